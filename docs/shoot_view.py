"""Record docs/view.webp: a retrial of a run, in the real page.

PYTHONPATH=.:tests:tests/viewer python docs/shoot_view.py RUN docs/view.webp
"""

import io
import pathlib
import sys

from browsing import CHROMIUM, until
from PIL import Image
from playwright.sync_api import sync_playwright
from viewed import viewing

from wtl.viewer.render_process import RenderProcess

_SIZE = (960, 600)
# A retrial after a failed trial, halfway through.
_SELECTION = "dataset=wtl_evaluations&role=retrial&success=true&family=grasp&view=orbit"
_SECONDS = 2.2


def shoot(run: str, path: str):
    """Open the page on a run and write a screenshot of the browser."""
    renderer = RenderProcess()
    with (
        viewing(pathlib.Path(run), renderer) as viewed,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(viewed.at(_SELECTION))
        until(page, "window.viewer?.isReady", 120)
        # The first retrial whose trial failed.
        for _ in range(40):
            if page.evaluate(
                "viewer.player.videos.some(video => !video.episode.success)"
            ):
                break
            before = page.evaluate("viewer.episode.id")
            page.keyboard.press("j")
            until(page, f"viewer.episode.id !== '{before}'", 120)
        until(page, "viewer.player.videos.every(video => video.painted)", 300)
        page.evaluate(f"viewer.player.play(false), viewer.player.seek({_SECONDS})")
        page.wait_for_timeout(500)
        image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    renderer.close()
    image.resize(_SIZE, Image.Resampling.LANCZOS).save(path, quality=80, method=6)


if __name__ == "__main__":
    shoot(*sys.argv[1:])
