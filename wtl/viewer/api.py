"""What the page asks for, as JSON and pictures."""

import asyncio
import json
import math
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
from aiohttp import web

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.errors import UserError
from wtl.datasets.curation import edits
from wtl.datasets.curation.curation import Curated
from wtl.datasets.curation.edits import DELETED, PendingEdits
from wtl.viewer import footage, rendering, selection, statistics
from wtl.viewer.index import Index, Row
from wtl.viewer.library import Library
from wtl.viewer.rendering import Studio
from wtl.viewer.selection import Selection

_MAX_LISTED = 500
_MAX_CHILDREN = 100
_MAX_EDITS = 20_000
_AXES = ("x", "y", "z", "yaw", "fingers")
_PAGING = ("offset", "limit", "id")

Publisher = Callable[[PendingEdits], Curated]


class Api:
    """Answers about a library, and takes edits."""

    def __init__(self, library: Library, studio: Studio, publisher: Publisher):
        """Serves a library.

        Args:
          library: what is looked at.
          studio: renders.
          publisher: publishes edits as a new version.
        """
        self._library = library
        self._studio = studio
        self._publisher = publisher
        self._editing = asyncio.Lock()

    @property
    def routes(self) -> list[web.RouteDef]:
        """What is served."""
        return [
            web.get("/api/library", self.tell_library),
            web.get("/api/episodes", self.list_episodes),
            web.get("/api/statistics", self.tell_statistics),
            web.get("/api/episodes/{id}", self.tell_episode),
            web.get("/api/episodes/{id}/frames/{view}", self.send_frames),
            web.get("/api/episodes/{id}/drawing", self.send_drawing),
            web.get("/api/edits", self.list_edits),
            web.put("/api/edits", self.take_edits),
            web.post("/api/publish", self.publish),
        ]

    async def tell_library(self, request: web.Request) -> web.Response:
        """What is looked at."""
        del request
        library = self._library
        return _json(
            {
                "path": str(library.path),
                "chosen": library.chosen,
                "datasets": {
                    index.name: {
                        "version": index.number,
                        "episodes": len(index.rows),
                        "views": footage.views(index, self._studio),
                    }
                    for index in library.indices.values()
                },
                "missing_renderer": self._studio.missing or "",
                "warnings": library.warnings,
            }
        )

    async def list_episodes(self, request: web.Request) -> web.Response:
        """Part of the episodes that are selected; with the first part, the facets."""
        chosen = _selection(request)
        rows = list(self._library)
        found = chosen.of(rows)
        offset = _whole(request, "offset", 0, len(found))
        limit = _whole(request, "limit", 100, _MAX_LISTED)
        told = {
            "total": len(found),
            "offset": offset,
            "rows": [selection.summary(r) for r in found[offset : offset + limit]],
        }
        name = request.query.get("id")
        if name:
            places = (i for i, row in enumerate(found) if row.id == name)
            told["place"] = next(places, None)
        if offset == 0:
            told["facets"] = chosen.facets(rows)
        return _json(told)

    async def tell_statistics(self, request: web.Request) -> web.Response:
        """Numbers about the episodes that are selected."""
        found = _selection(request).of(self._library)
        return _json(await asyncio.to_thread(statistics.summarise, found))

    async def tell_episode(self, request: web.Request) -> web.Response:
        """Everything about an episode but its pictures."""
        row, index = self._episode(request)
        episode = await asyncio.to_thread(index.episode, row)
        children = self._library.children(row)
        return _json(
            {
                **selection.summary(row),
                "version": index.number,
                "metadata": _told_metadata(row),
                "edit": row.edit,
                "views": footage.views(index, self._studio),
                "quality": {
                    "seconds": row.quality.seconds,
                    "idle": row.quality.idle,
                    "saturated": row.quality.saturated,
                    "late": row.quality.late,
                    "reward": row.quality.reward,
                },
                "twins": list(row.twins),
                "chain": [taken.id for taken in self._library.chain(row)],
                "parents": [self._link(name) for name in row.parents],
                "children": [self._link(r.id) for r in children[:_MAX_CHILDREN]],
                "children_total": len(children),
                "descendants": self._descendants(row),
                "curves": _curves(index, episode),
            }
        )

    async def send_frames(self, request: web.Request) -> web.Response:
        """A sheet of frames."""
        row, index = self._episode(request)
        name = request.match_info["view"]
        view: str | rendering.View = name
        if name in (rendering.ROBOT, rendering.WRIST):
            view = rendering.View(name)
        elif name == rendering.ORBIT:
            view = rendering.View(
                name,
                _number(request, "azimuth", 90.0),
                _number(request, "elevation", -56.0),
                _number(request, "distance", 1.1),
            )
        first = _whole(request, "first", 0)
        count = _whole(request, "count", 64)
        body, kind = await asyncio.to_thread(
            footage.frames, index, row, self._studio, view, first, count
        )
        return web.Response(body=body, content_type=f"image/{kind}")

    async def send_drawing(self, request: web.Request) -> web.Response:
        """An episode as a moving drawing."""
        row, index = self._episode(request)
        text = await asyncio.to_thread(footage.drawing, index, row)
        return web.Response(text=text, content_type="image/svg+xml")

    async def list_edits(self, request: web.Request) -> web.Response:
        """What is pending, by dataset."""
        del request
        return _json(self._told_edits())

    async def take_edits(self, request: web.Request) -> web.Response:
        """Takes edits, all or none of each dataset; on disk when it answers."""
        given = (await _body(request)).get("edits")
        if not isinstance(given, dict) or len(given) > _MAX_EDITS:
            raise UserError('"edits" must be an object of edits by episode')
        async with self._editing:
            by_dataset: dict[str, dict[str, edits.Edit]] = {}
            for name, edit in given.items():
                row = self._library[name]
                parsed = edits.parse_edit(edit)
                # What is so already is no edit.
                by_dataset.setdefault(row.dataset, {})[name] = {
                    field: value
                    for field, value in parsed.items()
                    if field == DELETED or row.metadata[field] != value
                }
            for name, changes in by_dataset.items():
                index = self._library.indices[name]
                await asyncio.to_thread(index.pending.change, changes)
                index.overlay()
        return _json(self._told_edits())

    async def publish(self, request: web.Request) -> web.Response:
        """Publishes the pending edits of a dataset, which is then looked at."""
        name = (await _body(request)).get("dataset")
        if name not in self._library.indices:
            raise UserError(f"there is no dataset {name!r} here")
        async with self._editing:
            pending = self._library.indices[name].pending
            made = await asyncio.to_thread(self._publisher, pending)
            self._library.replace(await asyncio.to_thread(Index, made.path))
        return _json(
            {
                "path": str(pathlib.Path(made.path)),
                "version": made.path.name,
                "kept": made.kept,
                "seen": made.seen,
            }
        )

    def _episode(self, request: web.Request) -> tuple[Row, Index]:
        row = self._library[request.match_info["id"]]
        return row, self._library.index_of(row)

    def _link(self, name: str) -> dict[str, Any]:
        if name not in self._library:
            return {"id": name, "known": False}
        return {**selection.summary(self._library[name]), "known": True}

    def _descendants(self, row: Row) -> list[str]:
        """Ids of what can't stay in the dataset if an episode is deleted from it."""
        found: dict[str, None] = {}
        waiting = [row]
        while waiting:
            for child in self._library.children(waiting.pop()):
                if child.dataset == row.dataset and child.id not in found:
                    found[child.id] = None
                    waiting.append(child)
        return list(found)

    def _told_edits(self) -> dict[str, Any]:
        return {
            "datasets": {
                index.name: {
                    "version": index.number,
                    "summary": edits.summary(map(index.pending.of, index.pending)),
                    "edits": [
                        {
                            **selection.summary(index.rows[name]),
                            "edit": index.pending.of(name),
                            "was": {
                                field: index.rows[name].metadata[field]
                                for field in index.pending.of(name)
                                if field != DELETED
                            },
                        }
                        for name in index.pending
                    ],
                }
                for index in self._library.indices.values()
                if len(index.pending)
            }
        }


def _told_metadata(row: Row) -> dict[str, Any]:
    # Seeds have more digits than numbers have in browsers.
    seed = str(row.metadata[fields.SCENE_SEED])
    return {**row.metadata, fields.SCENE_SEED: seed}


def _curves(index: Index, episode: Episode) -> dict[str, Any]:
    steps = episode.steps
    told: dict[str, Any] = {"time": _rounded(_time(episode))}
    if fields.ACTION in steps:
        size = index.spec.action_size
        names = _AXES if size == len(_AXES) else [f"action {i}" for i in range(size)]
        columns = steps[fields.ACTION].T
        told["action"] = {
            name: _rounded(column) for name, column in zip(names, columns, strict=True)
        }
        told["reward"] = _rounded(steps[fields.REWARD])
    if fields.IS_INTERVENTION in steps:
        told["intervention"] = steps[fields.IS_INTERVENTION].tolist()
    return told


def _time(episode: Episode) -> np.ndarray:
    """[T+1] seconds since the start, by the control rate where nobody kept time."""
    time = episode.steps[fields.TIMESTAMP].astype(np.float64)
    if time[-1] > time[0]:
        return time - time[0]
    return np.arange(len(time)) / episode.metadata[fields.CONTROL_HZ]


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
    # Longer ones are no number that anybody means, and slow to read.
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


def _json(tree: Any) -> web.Response:
    response = web.json_response(text=json.dumps(tree, allow_nan=False))
    response.enable_compression()
    return response
