"""Shared set-up of the tests."""

import pytest
from browsing import CHROMIUM

import wtl.policies  # noqa: F401  (asks for Keras 2 before anything imports TF-Agents)
from wtl import notices

notices.quiet()


@pytest.fixture(scope="module")
def chromium():
    """A headless browser; tests of pages are skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield found
        found.close()


def pytest_collection_modifyitems(items):
    """Run tests that compile with XLA before any test renders in the same process.

    XLA and Mesa's llvmpipe each bring an LLVM; XLA crashes where Mesa came first.
    """
    items.sort(key=lambda item: "test_bc_sac" not in item.nodeid)
