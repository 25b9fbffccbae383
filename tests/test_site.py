"""The documentation site builds, and needs nothing from other hosts."""

import pathlib
import re
import subprocess
import sys

import pytest

_ROOT = pathlib.Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_the_site_builds_without_warnings_and_loads_nothing_from_elsewhere(tmp_path):
    site = tmp_path / "site"
    build = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html"]
    subprocess.run(
        [*build, "-d", tmp_path / "doctrees", "docs", site], cwd=_ROOT, check=True
    )
    pages = {
        str(page.relative_to(site)): page.read_text() for page in site.rglob("*.html")
    }
    assert "wtl.load_policy" in pages["reference.html"]
    assert "Watch: one-shot imitation" in pages["index.html"]
    loaded = re.compile(
        r'<(?:script|img|iframe)[^>]*src="\w+:|<link[^>]*rel="stylesheet"[^>]*href="\w+:'
    )
    assert [page for page, text in pages.items() if loaded.search(text)] == []
