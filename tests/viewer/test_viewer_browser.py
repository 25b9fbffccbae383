"""The viewer's page in a real Chromium: filter, play, side by side, edit, publish."""

import base64
import contextlib
import io
import os
import re
import shutil
import signal
import sys

import numpy as np
import prefix_proxy
import pytest
from browsing import until
from PIL import Image
from served import start
from viewed import NoRenderer, make_run, published, tree, viewing

from wtl.collection import opengl
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.observation import Observation
from wtl.datasets.reading import reader
from wtl.datasets.storage import verify
from wtl.datasets.testing.fakes import SPEC, fake_episode
from wtl.viewer.render_process import RenderingError, RenderProcess

SECONDS = 180  # a busy machine is slow, not wrong


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("view") / "run")


@pytest.fixture
def run(made, tmp_path):
    shutil.copytree(made, tmp_path / "run")
    return tmp_path / "run"


class Person:
    """Sits before the page."""

    def __init__(self, page, url: str):
        self.page = page
        page.goto(url)
        self.until("window.viewer?.isReady")

    def until(self, condition: str):
        until(self.page, condition, SECONDS)

    def key(self, name: str):
        self.page.keyboard.press(name)

    def seeing(self, words: str):
        self.until(f"document.body.innerText.includes({words!r})")

    def filters(self, name: str, value: str, count: int):
        self.page.select_option(f"#filters [name={name}]", value)
        self.until(f"viewer.browser.total === {count}")
        self.page.evaluate("document.activeElement.blur()")

    def opens(self, condition: str):
        """Waits for an episode that is loaded and whose videos are there."""
        self.until(
            f"viewer.episode && ({condition}) && viewer.player.videos.length"
            " === viewer.episode.chain.length"
        )

    def plays(self):
        """Waits until every video has a picture."""
        self.until(
            "viewer.player.videos.length && viewer.player.videos.every("
            "video => video.painted || video.drawing)"
        )

    @property
    def episode(self) -> dict:
        return self.page.evaluate("viewer.episode")

    def shades(self) -> list[int]:
        """Red in the middle of every video's picture."""
        return self.page.evaluate(
            "viewer.player.videos.map(video => video.canvas.getContext('2d')"
            ".getImageData(8, 8, 1, 1).data[0])"
        )


@contextlib.contextmanager
def page_of(chromium, **options):
    page = chromium.new_page(viewport={"width": 1280, "height": 800}, **options)
    errors, asked = [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    yield page
    assert errors == []
    page.close()
    # Everything comes from the server itself.
    hosts = {re.match(r"http://([^/:]*)", url)[1] for url in asked if "http" in url}
    assert hosts <= {"127.0.0.1"}


def test_filters_keys_and_the_address(chromium, made):
    with viewing(made) as viewed, page_of(chromium) as page:
        person = Person(page, viewed.address)
        person.seeing("18 episodes")
        person.opens("viewer.episode.role === 'demo'")
        # An episode that the filters exclude gives way to the first of the list.
        person.filters("role", "retrial", 6)
        assert "6 episodes" in page.inner_text("#total")
        person.opens("viewer.episode.role === 'retrial'")
        person.filters("family", "press", 3)
        person.opens(
            "viewer.episode.role === 'retrial' && viewer.episode.family === 'press'"
        )
        assert page.inner_text("#task") == "Press the marked button."
        first = person.episode["id"]
        person.key("j")
        person.opens(f"viewer.episode.id !== '{first}'")
        second = person.episode["id"]
        person.key("k")
        person.opens(f"viewer.episode.id === '{first}'")
        person.key("j")
        person.opens(f"viewer.episode.id === '{second}'")
        # The list says which one is selected, also to a screen reader.
        active = page.get_attribute("#list", "aria-activedescendant")
        assert page.get_attribute(f"#{active}", "data-id") == second
        assert page.get_attribute(f"#{active}", "aria-selected") == "true"
        # Typed letters are no keys; the found episodes are listed.
        person.key("/")
        page.keyboard.type(person.episode["task"][:-4])
        person.until("viewer.browser.total === 1")
        page.keyboard.press("Enter")
        # The address brings all of it back.
        page.reload()
        person.until("window.viewer?.isReady")
        person.opens(f"viewer.episode.id === '{second}'")
        assert page.evaluate("viewer.browser.total") == 1
        # An address given to the open page is followed.
        selection = f"role=retrial&id={first}&panel=statistics"
        page.goto(f"{viewed.origin}/#{selection}")
        person.opens(f"viewer.episode.id === '{first}'")
        assert page.evaluate("viewer.browser.total") == 6
        person.until("!document.getElementById('panel-statistics').hidden")
        page.click("text=clear filters")
        person.until("viewer.browser.total === 18")
        # Links lead out of the list, and say so.
        person.key("e")
        person.filters("trial", "failed", 3)
        person.opens("viewer.episode.role === 'retrial'")
        page.click("#parents button >> nth=1")
        person.opens("viewer.episode.role === 'trial' && !viewer.episode.success")
        person.seeing("outside the filters")
        page.fill("#filters [name=text]", "nothing of this kind")
        person.seeing("No episode is selected")
        assert page.evaluate("viewer.episode") is None


def test_behind_a_proxy_and_from_a_link_of_another_page(chromium, run, tmp_path):
    token = "?token="
    with viewing(run) as viewed, page_of(chromium) as page:
        query = token + viewed.address.partition(token)[2]
        with prefix_proxy.below("/user/ann/proxy/8766", viewed.port) as address:
            person = Person(page, f"{address}{query}#role=retrial")
            assert page.url.startswith(address + "#role=retrial")
            person.until("viewer.browser.total === 6")
            person.opens("viewer.episode.role === 'retrial'")
            person.key("i")
            person.until("viewer.episode.flags.includes('invalid')")
            person.key("u")
            person.until("!viewer.episode.flags.includes('invalid')")
        Person(page, viewed.address)
        assert token not in page.url
        report = tmp_path / "report.html"
        report.write_text(f"<a href='{viewed.origin}/#role=trial'>episodes</a>")
        page.goto(report.as_uri())
        page.click("a")
        person.until("window.viewer?.isReady && viewer.browser.total === 6")


def test_demonstration_trial_and_retrial_play_in_step(chromium, made):
    with viewing(made) as viewed, page_of(chromium) as page:
        person = Person(page, viewed.at("role=demo&family=grasp"))
        person.opens("viewer.episode.role === 'demo'")
        roles = "viewer.player.videos.map(video => video.episode.role).join()"
        assert page.evaluate(roles) == "demo,trial,retrial"
        person.plays()
        person.until("viewer.player.playing && viewer.player.time > 0.3")
        person.key(" ")
        assert page.evaluate("viewer.player.playing") is False
        # Stored images are shades that count the frames.
        for seconds, frame in ((0, 0), (2.0, 20), (4.0, 40)):
            page.evaluate(f"viewer.player.seek({seconds})")
            assert person.shades() == [6 * frame] * 3
        page.evaluate("viewer.player.seek(1.0)")
        person.key(".")
        person.key(".")
        person.key(",")
        assert person.shades() == [6 * 11] * 3
        value = "document.querySelector('.video.chosen .key li').textContent"
        expected = person.episode["curves"]["action"]["x"][11]
        assert page.evaluate(value) == f"x {expected:.2f}"
        # A video is selected by its name, and the chain stays.
        page.click(".video:nth-child(2) button.name")
        person.opens("viewer.episode.role === 'trial'")
        assert page.evaluate(roles) == "demo,trial,retrial"
        # Up and down the links.
        page.click("#parents button")
        person.opens("viewer.episode.role === 'demo'")
        page.click("#children button >> nth=1")
        person.opens("viewer.episode.role === 'retrial'")
        person.plays()
        # The drawing plays in the same time.
        page.select_option("#view", "drawing")
        person.plays()
        assert page.locator(".video svg.animation").count() == 3
        page.evaluate("viewer.player.seek(1.5)")
        times = "viewer.player.videos.map(video => video.drawing.getCurrentTime())"
        assert page.evaluate(times) == [1.5] * 3


@pytest.mark.slow
def test_edits_outlive_the_server_and_are_published(chromium, run, serve):
    """Marks, relabels, notes and deletes; the server is killed; then publishes."""
    demos, trials = (run / "datasets" / name for name in ("wtl_demos", "wtl_trials"))
    before = tree(run / "datasets")
    with page_of(chromium) as page:
        process, url = serve(run)
        person = Person(page, f"{url}#role=trial")
        person.opens("viewer.episode.role === 'trial'")
        one = person.episode["id"]
        person.key("i")
        person.until("viewer.episode.flags.includes('invalid')")
        person.seeing("Marked invalid")
        was = person.episode["success"]
        person.key("s")
        person.until(f"viewer.episode.success === {str(not was).lower()}")
        person.key("n")
        page.keyboard.type("<img src=x onerror=alert(1)> it slips")
        page.keyboard.press("Escape")
        person.until("viewer.episode.edit.notes")
        person.key("j")
        person.opens(f"viewer.episode.id !== '{one}'")
        two, with_it = person.episode["id"], person.episode["descendants"]
        assert len(with_it) == 1
        person.key("x")
        person.until("viewer.episode.edit.deleted")
        person.seeing("Deleted, with 1 derived from it.")
        assert page.inner_text("#pending") == "3"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        person.key("k")
        person.seeing("start `wtl view` again")
        # The next server finds everything as it was.
        process, url = serve(run)
        try:
            person = Person(page, f"{url}#panel=edits")
            person.until("document.querySelectorAll('#panel-edits tr').length === 3")
            person.seeing("marked invalid; relabelled")
            assert page.locator("#panel-edits img").count() == 0
            person.seeing("note: <img src=x onerror=alert(1)> it slips")
            assert page.inner_text("#pending") == "3"
            # Undo the deletions, and delete a demonstration.
            for name in (two, *with_it):
                page.click(f"#panel-edits tr[data-id='{name}'] >> text=undo")
                person.until(
                    f"!document.querySelector('#panel-edits tr[data-id=\"{name}\"]')"
                )
            link = f"#panel-edits tr[data-id='{one}'] button >> nth=0"
            page.click(link)
            person.opens(f"viewer.episode.id === '{one}'")
            page.click("#parents button")
            person.opens("viewer.episode.role === 'demo'")
            demo = person.episode["id"]
            person.key("x")
            person.until("viewer.episode.edit.deleted")
            person.seeing("2 derived from it in other datasets")
            person.key("p")
            for name in ("wtl_trials", "wtl_demos"):
                page.click(f"[data-publish={name}]")
                person.seeing(f"{name}/2.0.0 holds")
            # The next episode is on the page by now, and what was said still stands.
            person.opens(f"viewer.episode.id !== '{demo}'")
            person.seeing("wtl_demos/2.0.0 holds")
            person.until("document.getElementById('pending').textContent === '0'")
            person.seeing("Nothing is edited")
            # What is shown now is the new version.
            page.goto(f"{url}#id={one}")
            person.opens(f"viewer.episode.id === '{one}'")
            assert person.episode["version"] == "2.0.0"
            assert {"invalid", "note", "orphan"} <= set(person.episode["flags"])
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            process.stdout.close()
    after = tree(run / "datasets")
    assert {name: after[name] for name in before} == before
    assert verify.verify(trials) == [] and verify.verify(demos) == []
    assert demo not in {e.id for e in reader.iterate_episodes(demos)}
    (edited,) = (e for e in reader.iterate_episodes(trials) if e.id == one)
    assert edited.metadata[fields.SUCCESS] is not was
    assert edited.metadata[fields.NOTES].endswith("it slips")


@pytest.fixture
def serve():
    """Starts servers of their own, which do not outlive the test."""
    processes = []

    def begin(run):
        command = [sys.executable, "-u", "-m", "wtl", "view", str(run), "--port=0"]
        processes.append(start(command))
        said = processes[-1].stdout.readline()
        return processes[-1], re.search(r"http://\S+", said)[0]

    yield begin
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def test_statistics_lead_to_the_episodes(chromium, made):
    with viewing(made) as viewed, page_of(chromium) as page:
        person = Person(page, viewed.at("role=trial"))
        person.key("t")
        person.until("document.querySelectorAll('#panel-statistics tbody tr').length")
        person.seeing("50%")
        page.click("#panel-statistics tbody tr:has-text('grasp')")
        person.until("viewer.browser.total === 3")
        assert page.evaluate("viewer.browser.filters") == {
            "dataset": "wtl_trials",
            "family": "grasp",
            "role": "trial",
        }
        person.until(
            "document.querySelector('.tile b').textContent === '3'",
        )


@pytest.mark.slow
def test_a_long_list_holds_only_the_rows_in_view(chromium, tmp_path):
    count = 2000
    episodes = [fake_episode(i, transitions=1) for i in range(count)]
    published(tmp_path / "d", fields.WTL_DEMOS, episodes, SPEC)
    with viewing(tmp_path / "d" / "wtl_demos") as viewed, page_of(chromium) as page:
        person = Person(page, viewed.address)
        person.until(f"viewer.browser.total === {count}")
        # States of another world: their curves stand for a picture.
        person.opens("true")
        person.seeing("state 6 ")
        page.focus("#list")
        person.key("End")
        person.until(f"document.querySelector('#item-{count - 1}')")
        person.opens(f"viewer.browser.place === {count - 1}")
        assert page.locator(".item").count() < 60
        names = {row["id"] for row in viewed.get("/api/episodes?offset=1999")["rows"]}
        person.until(f"viewer.episode.id === '{names.pop()}'")
        for _ in range(3):
            person.key("PageUp")
        person.until(f"viewer.browser.place < {count - 10}")


def test_cameras_have_names_and_sizes_of_their_own(chromium, tmp_path):
    cameras = {"arm/left eye": (24, 48), "top": (40, 16)}  # height, width
    spec = EpisodeSpec(
        tuple(Observation(n, (*size, 3), "uint8") for n, size in cameras.items()),
        action_size=2,
        action_low=(-30.0,) * 2,
        action_high=(30.0,) * 2,
    )
    published(tmp_path / "d", fields.WTL_DEMOS, [fake_episode(0, spec)], spec)
    with viewing(tmp_path / "d" / "wtl_demos") as viewed, page_of(chromium) as page:
        person = Person(page, viewed.address)
        person.opens("true")
        for name, (height, width) in cameras.items():
            page.select_option("#view", name)
            person.plays()
            canvas, frame = page.evaluate(
                "(([{canvas, frame}]) => [canvas.toDataURL(), frame])"
                "(viewer.player.videos)"
            )
            head, _, encoded = canvas.partition(",")
            picture = Image.open(io.BytesIO(base64.b64decode(encoded)))
            assert head == "data:image/png;base64" and picture.size == (width, height)
            index = viewed.library.indices[fields.WTL_DEMOS]
            (row,) = index.rows.values()
            stored = index.episode(row).steps[name]
            shown = np.asarray(picture.convert("RGB"))
            np.testing.assert_array_equal(shown, stored[frame])


def test_everything_has_a_name_and_the_dark_is_dark(chromium, made):
    with viewing(made) as viewed, page_of(chromium, color_scheme="dark") as page:
        person = Person(page, viewed.address)
        person.opens("true")
        for panel in ("episode", "statistics", "edits"):
            page.click(f"[data-panel={panel}]")
            unnamed = page.evaluate(
                "[...document.querySelectorAll('button, select, input, textarea, "
                "canvas, svg, [role=option]')].filter(e => e.checkVisibility() && !("
                "e.innerText || e.textContent || e.ariaLabel || e.labels?.length || "
                "e.title)).map(e => e.outerHTML)"
            )
            assert unnamed == []
        light = page.evaluate(
            "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
        )
        assert max(light) < 60
        person.key("?")
        person.until("document.getElementById('help').open")
        person.key("Escape")
        person.until("!document.getElementById('help').open")
        # On a narrow screen nothing sticks out.
        page.set_viewport_size({"width": 390, "height": 800})
        page.click("[data-panel=episode]")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


class Failing(NoRenderer):
    """Finds out late that it can't render."""

    missing = None

    def render(self, *_):
        raise RenderingError("neither EGL nor OSMesa works here")


def test_where_rendering_fails_the_drawing_takes_its_place(chromium, made):
    with viewing(made, Failing()) as viewed, page_of(chromium) as page:
        person = Person(page, viewed.at("view=robot"))
        person.plays()
        person.seeing("neither EGL nor OSMesa works here")
        assert page.locator(".video svg.animation").count() == 3


@pytest.mark.slow
def test_the_camera_is_turned_by_hand(chromium, made):
    try:
        opengl.find_renderer()
    except opengl.RendererNotFoundError as error:
        pytest.skip(str(error))
    renderer = RenderProcess()
    with viewing(made, renderer) as viewed, page_of(chromium) as page:
        person = Person(page, viewed.at("role=demo&view=robot"))
        person.plays()
        box = page.locator(".video canvas").first.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 60, y - 30, steps=4)
        page.mouse.up()
        person.until("document.getElementById('view').value === 'orbit'")
        person.plays()
        orbit = page.evaluate("viewer.player.orbit")
        assert orbit["azimuth"] < 85 and orbit["elevation"] != -62
        page.focus(".video canvas")
        person.key("ArrowLeft")
        person.until(f"viewer.player.orbit.azimuth === {orbit['azimuth'] + 15}")
        page.click("#orbit >> text=top")
        person.until("viewer.player.orbit.elevation === -89")
        person.plays()
    renderer.close()
