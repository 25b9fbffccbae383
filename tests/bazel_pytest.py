"""Runs one pytest file as a Bazel test (see bazel/pytest.bzl)."""

import os
import sys

# Python puts the folder of this file, its symbolic link resolved, first on the
# path: the source tree, not the files that Bazel laid out for the test. Worker
# processes import this file too; they have the path of their parent.
if __name__ == "__main__":
    sys.path.pop(0)

# Bazel's sandbox has no writable home folder.
_TMP = os.environ["TEST_TMPDIR"]
os.environ["HOME"] = _TMP
os.environ.setdefault("MPLCONFIGDIR", os.path.join(_TMP, "matplotlib"))

import pytest  # noqa: E402  (after the environment is set)


def main(test_files: list[str]) -> int:
    """Runs the fast tests of `test_files`; returns Bazel's exit code."""
    args = [
        "-c",
        "pyproject.toml",
        "-m",
        "not slow",
        "-p",
        "no:cacheprovider",
        f"--basetemp={os.path.join(_TMP, 'pytest')}",
    ]
    if xml := os.environ.get("XML_OUTPUT_FILE"):
        args.append(f"--junitxml={xml}")
    if only := os.environ.get("TESTBRIDGE_TEST_ONLY"):  # bazel test --test_filter
        args += ["-k", only]
    code = pytest.main(args + test_files)
    # A file whose tests are all slow has nothing to run here.
    if code == pytest.ExitCode.NO_TESTS_COLLECTED and not only:
        return 0
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
