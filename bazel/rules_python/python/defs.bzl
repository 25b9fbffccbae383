"""Stands in for rules_python: forwards to Bazel 4's native rules."""

py_binary = native.py_binary
py_library = native.py_library
py_test = native.py_test
