"""Data of the page: JSON and pictures."""

import asyncio
import itertools
import json
import math
import pathlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import numpy as np
from aiohttp import web

from wtl.collection.worlds.scene_renderer import ORBIT, ROBOT, WRIST, Viewpoint
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.errors import UserError
from wtl.datasets.curation import edits
from wtl.datasets.curation.curation import Curated
from wtl.datasets.curation.edits import DELETED, PendingEdits
from wtl.viewer import address, episode_views, selection, statistics
from wtl.viewer.index import Index, Row
from wtl.viewer.library import Library
from wtl.viewer.render_process import RenderProcess
from wtl.viewer.selection import Selection

_MAX_LISTED = 500
_MAX_CHILDREN = 100
_MAX_EDITS = 20_000
_MAX_VECTOR_CURVES = 20
# An origin of its own, so that its scripts have no access to the viewer.
_REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'"
)
_FARTHEST = 1e6  # of the numbers in a drawing; NaN is not less
_PAGING = ("offset", "limit", "id")

Tree = dict[str, Any]
Publisher = Callable[[PendingEdits], Curated]


class Api:
    """Answers about a library, and takes edits."""

    def __init__(self, library: Library, renderer: RenderProcess, publisher: Publisher):
        """Serve a library, whose edits a publisher makes a new version of."""
        self._library = library
        self._renderer = renderer
        self._publisher = publisher
        self._editing = asyncio.Lock()

    @property
    def routes(self) -> list[web.RouteDef]:
        """Paths and methods."""
        return [
            web.get("/report", self._send_report),
            web.get("/api/library", _json(self._send_library)),
            web.get("/api/episodes", _json(self._list_episodes)),
            web.get("/api/statistics", _json(self._send_statistics)),
            web.get("/api/episodes/{id}", _json(self._send_episode)),
            web.get("/api/episodes/{id}/frames/{view:.+}", self._send_frames),
            web.get("/api/episodes/{id}/drawing", self._send_drawing),
            web.get("/api/edits", _json(self._send_edits)),
            web.put("/api/edits", _json(self._take_edits)),
            web.post("/api/publish", _json(self._publish)),
        ]

    @property
    def _report(self) -> pathlib.Path | None:
        """Report of the first of the run's results that there are."""
        for name in ("evaluation", "adaptation", "meta_rl"):
            path = self._library.run / name / "report.html"
            if path.is_file() and not path.is_symlink():
                return path
        return None

    async def _send_report(self, _: web.Request) -> web.Response:
        """Send the report of the run; like the data, it may be of others' making."""
        path = self._report
        if not path:
            raise web.HTTPNotFound(text="the run has no report yet")
        text = path.read_text(encoding="utf-8", errors="replace")
        return web.Response(
            text=text.replace(f'href="{address.URL}#', 'href="./#'),
            content_type="text/html",
            headers={"Content-Security-Policy": _REPORT_POLICY},
        )

    async def _send_library(self, _: web.Request) -> Tree:
        library = self._library
        return {
            "path": str(library.path),
            "report": self._report is not None,
            "chosen": library.chosen,
            "datasets": {
                index.name: {
                    "version": index.number,
                    "episodes": len(index.rows),
                    "views": self._views(index),
                }
                for index in library.indices.values()
            },
            "missing_renderer": self._renderer.missing or "",
            "warnings": library.warnings,
        }

    async def _list_episodes(self, request: web.Request) -> Tree:
        """Send part of the selected episodes; with the first part, the facets."""
        chosen = _selection(request)
        rows = list(self._library)
        found = chosen.of(rows)
        offset = _whole(request, "offset", 0, len(found))
        limit = _whole(request, "limit", 100, _MAX_LISTED)
        answer = {
            "total": len(found),
            "offset": offset,
            "rows": [selection.summary(r) for r in found[offset : offset + limit]],
        }
        name = request.query.get("id")
        if name:
            places = (i for i, row in enumerate(found) if row.id == name)
            answer["place"] = next(places, None)
        if offset == 0:
            answer["facets"] = chosen.facets(rows)
        return answer

    async def _send_statistics(self, request: web.Request) -> Tree:
        found = _selection(request).of(self._library)
        return await asyncio.to_thread(statistics.summarise, found)

    async def _send_episode(self, request: web.Request) -> Tree:
        """Send everything about an episode but its pictures."""
        row, index = self._episode(request)
        episode = await asyncio.to_thread(index.episode, row)
        children = self._library.children(row)
        # Seeds have more digits than numbers have in browsers.
        seed = str(row.metadata[fields.SCENE_SEED])
        views = self._views(index)
        quality = ("seconds", "idle", "saturated", "late", "reward")
        return {
            **selection.summary(row),
            "version": index.number,
            "metadata": {**row.metadata, fields.SCENE_SEED: seed},
            "edit": row.edit,
            "views": views,
            "quality": {name: getattr(row.quality, name) for name in quality},
            "twins": [
                self._link(name) for name in itertools.islice(row.twins, _MAX_CHILDREN)
            ],
            "twins_total": max(0, len(row.alike) - 1),
            "chain": [linked.id for linked in self._library.chain(row)],
            "parents": [self._link(name) for name in row.parents],
            "children": [self._link(r.id) for r in children[:_MAX_CHILDREN]],
            "children_total": len(children),
            "descendants": self._descendants(row),
            "curves": _curves(index, episode, views),
        }

    async def _send_frames(self, request: web.Request) -> web.Response:
        """Send a sheet of frames."""
        row, index = self._episode(request)
        view: str | Viewpoint = request.match_info["view"]
        if view in (ROBOT, WRIST):
            view = Viewpoint(view)
        elif view == ORBIT:
            default = Viewpoint(view)
            angles = ("azimuth", "elevation", "distance")
            view = Viewpoint(
                view,
                *(_number(request, name, getattr(default, name)) for name in angles),
            )
        first = _whole(request, "first", 0)
        count = _whole(request, "count", 64)
        body, kind = await asyncio.to_thread(
            episode_views.frames, index, row, self._renderer, view, first, count
        )
        return web.Response(body=body, content_type=f"image/{kind}")

    async def _send_drawing(self, request: web.Request) -> web.Response:
        row, index = self._episode(request)
        text = await asyncio.to_thread(_drawing, index, row)
        return web.Response(text=text, content_type="image/svg+xml")

    async def _send_edits(self, _: web.Request) -> Tree:
        """Send the pending edits, by dataset."""
        return {
            "datasets": {
                index.name: {
                    "version": index.number,
                    "summary": edits.summary(map(index.pending.of, index.pending)),
                    "edits": [_edit(index, name) for name in index.pending],
                }
                for index in self._library.indices.values()
                if len(index.pending)
            }
        }

    async def _take_edits(self, request: web.Request) -> Tree:
        """Take edits, all or none of each dataset; they are then on disk."""
        given = (await _body(request)).get("edits")
        if not isinstance(given, dict) or len(given) > _MAX_EDITS:
            raise UserError('"edits" must be an object of edits by episode')
        async with self._editing:
            by_dataset: dict[str, dict[str, edits.Edit]] = {}
            for name, edit in given.items():
                row = self._library[name]
                # A value that an episode has already is no edit.
                by_dataset.setdefault(row.dataset, {})[name] = {
                    field: value
                    for field, value in edits.parse_edit(edit).items()
                    if field == DELETED or row.metadata[field] != value
                }
            for name, changes in by_dataset.items():
                index = self._library.indices[name]
                await asyncio.to_thread(index.pending.change, changes)
                index.overlay()
        return await self._send_edits(request)

    async def _publish(self, request: web.Request) -> Tree:
        """Publish the pending edits of a dataset, and serve the new version."""
        name = (await _body(request)).get("dataset")
        if not isinstance(name, str) or name not in self._library.indices:
            raise UserError(f"there is no dataset {name!r} here")
        async with self._editing:
            pending = self._library.indices[name].pending
            made = await asyncio.to_thread(self._publisher, pending)
            self._library.replace(await asyncio.to_thread(Index, made.path))
        path = made.path
        version = {"path": str(path), "version": path.name}
        return version | {"kept": made.kept, "seen": made.seen}

    def _episode(self, request: web.Request) -> tuple[Row, Index]:
        row = self._library[request.match_info["id"]]
        return row, self._library.indices[row.dataset]

    def _views(self, index: Index) -> list[str]:
        return episode_views.views(index, renders=not self._renderer.missing)

    def _link(self, name: str) -> Tree:
        if name not in self._library:
            return {"id": name, "known": False}
        return {**selection.summary(self._library[name]), "known": True}

    def _descendants(self, row: Row) -> list[str]:
        """Return ids of the episodes of the dataset that go if an episode goes."""
        found: dict[str, None] = {}
        waiting = [row]
        while waiting:
            for child in self._library.children(waiting.pop()):
                if child.dataset == row.dataset and child.id not in found:
                    found[child.id] = None
                    waiting.append(child)
        return list(found)


def _edit(index: Index, name: str) -> Tree:
    row, edit = index.rows[name], index.pending.of(name)
    was = {field: row.metadata[field] for field in edit if field != DELETED}
    return {**selection.summary(row), "edit": edit, "was": was}


def _drawing(index: Index, row: Row) -> str:
    if index.layout is None or index.layout.drawing is None:
        raise UserError(f"{index.label} has no states of a known world")
    failed = row[fields.ROLE] != fields.ROLE_DEMO and not row[fields.SUCCESS]
    episode = index.episode(row)
    if not np.abs(episode.steps[fields.STATE]).max() < _FARTHEST:
        raise UserError("the states are not numbers that can be drawn")
    seconds = float(_time(episode)[-1])
    return episode_views.drawing(episode, index.layout, seconds, failed=failed)


def _curves(index: Index, episode: Episode, views: Sequence[str]) -> dict[str, Any]:
    steps = episode.steps
    curves: dict[str, Any] = {"time": _rounded(_time(episode))}
    if fields.ACTION in steps:
        size, spec = index.spec.action_size, index.spec
        low, high = spec.action_low or [-1] * size, spec.action_high or [1] * size
        columns = map(_rounded, steps[fields.ACTION].T)
        curves["action"] = dict(zip(index.axes, columns, strict=True))
        curves["limits"] = {
            axis: ends
            for axis, *ends in zip(index.axes, low, high)
            if np.isfinite(ends).all()
        }
        curves["reward"] = _rounded(steps[fields.REWARD])
    if not views:  # numbers in place of pictures
        numbers = (
            (f"{vector.name} {i}", _rounded(values))
            for vector in index.spec.vectors
            for i, values in enumerate(steps[vector.name].reshape(len(episode), -1).T)
        )
        curves["vectors"] = dict(itertools.islice(numbers, _MAX_VECTOR_CURVES))
    if fields.IS_INTERVENTION in steps:
        curves["intervention"] = steps[fields.IS_INTERVENTION].tolist()
    return curves


def _time(episode: Episode) -> np.ndarray:
    """Return [T+1] seconds since the start; without timestamps, by the control rate."""
    time = episode.steps[fields.TIMESTAMP].astype(np.float64)
    if np.isfinite(time).all() and time[-1] > time[0]:
        return time - time[0]
    hz = episode.metadata[fields.CONTROL_HZ]
    return np.arange(len(time)) / (hz if np.isfinite(hz) and hz > 0 else 1)


def _rounded(values: np.ndarray) -> list[float]:
    return np.round(values.astype(np.float64), 4).tolist()


def _selection(request: web.Request) -> Selection:
    query = {k: v for k, v in request.query.items() if k not in _PAGING}
    return Selection.parse(query)


def _number(request: web.Request, name: str, default: float) -> float:
    text = request.query.get(name)
    try:
        value = default if text is None else float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{name} must be a number, not {text!r}")
    return value


def _whole(
    request: web.Request, name: str, default: int, most: int | None = None
) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    # Longer numbers are of no use, and slow to read.
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise UserError(f"{name} must be a whole number, not {text[:40]!r}")
    return int(text) if most is None else min(int(text), most)


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.text())
    except (ValueError, LookupError, RecursionError):
        raise UserError("the body of the request is not JSON") from None
    if not isinstance(body, dict):
        raise UserError("the body of the request is no JSON object")
    return body


def _json(
    answer: Callable[[web.Request], Awaitable[Tree]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return a handler that sends the answer as JSON, null for NaN and infinity."""

    async def send(request: web.Request) -> web.Response:
        tree = await answer(request)
        try:
            text = json.dumps(tree, allow_nan=False)
        except ValueError:
            known = json.loads(json.dumps(tree), parse_constant=lambda _: None)
            text = json.dumps(known)
        response = web.json_response(text=text)
        response.enable_compression()
        return response

    return send
