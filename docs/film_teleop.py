"""Record docs/teleop.webp: a scripted operator at the keys of the real page.

PYTHONPATH=.:tests:tests/collection/teleop python docs/film_teleop.py docs/teleop.webp
"""

import io
import pathlib
import sys
import tempfile

import served
from browsing import CHROMIUM
from driven import plan_items
from PIL import Image
from playwright.sync_api import sync_playwright
from test_teleop_browser import Operator, can_solve

_SIZE = (760, 475)
_FRAME_MS = 110
_END_MS = 1200  # while success is shown


def film(path: str):
    """Solve a scene of each family and write the screenshots of the browser."""
    frames, durations = [], []
    with (
        tempfile.TemporaryDirectory() as folder,
        served.session(pathlib.Path(folder)) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        operator = Operator(page, server.url)
        page.fill("#name", "ann")
        page.keyboard.press("Enter")
        shown = set()
        for item in plan_items():
            family = item.scene.task.family
            if family in shown or not can_solve(item):
                operator.does("d", "Discarded")
                continue
            shown.add(family)
            operator.begin(item)
            while not operator.mind.achieved:
                operator.tap()
                frames.append(_shot(page))
                durations.append(_FRAME_MS)
            page.wait_for_timeout(200)
            frames.append(_shot(page))
            durations.append(_END_MS)
            operator.does("n", "Kept")
    frames[0].save(
        path,
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        loop=0,
        quality=62,
        method=6,
    )


def _shot(page) -> Image.Image:
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return image.resize(_SIZE, Image.Resampling.LANCZOS)


if __name__ == "__main__":
    film(sys.argv[1])
