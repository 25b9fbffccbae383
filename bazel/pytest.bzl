"""One Bazel test per pytest file."""

load("@rules_python//python:defs.bzl", "py_test")

def pytest_suite(name, srcs, deps = [], data = [], size = "medium", timeout = "long"):
    """Makes a py_test of each pytest file, and a suite of them all.

    Args:
      name: name of the suite.
      srcs: test files; `folder/test_x.py` becomes the target `folder/test_x`.
      deps: libraries every test needs.
      data: files every test needs.
      size: Bazel's size of each test.
      timeout: Bazel's time limit of each test.
    """
    tests = []
    for src in srcs:
        test = src[:-len(".py")]
        py_test(
            name = test,
            srcs = [src, "bazel_pytest.py"],
            main = "bazel_pytest.py",
            args = ["$(rootpath %s)" % src],
            data = data + [src],
            deps = deps,
            python_version = "PY3",
            size = size,
            timeout = timeout,
        )
        tests.append(":" + test)
    native.test_suite(name = name, tests = tests)
