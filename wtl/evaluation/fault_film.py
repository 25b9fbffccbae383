"""Films of the same fault under several methods, side by side."""

import dataclasses
from collections.abc import Mapping, Sequence

from wtl.collection.drawing import scene, svg
from wtl.datasets.contract.layout import Layout
from wtl.datasets.reading.store import EpisodeStore
from wtl.evaluation.adaptation import AdaptationRow
from wtl.policies.methods import label

_BESIDE = 2  # methods beside the reference
_PAUSE = 1.0  # seconds at the end of the loop


@dataclasses.dataclass(frozen=True)
class FaultFilm:
    """Episodes of one task.

    Attributes:
      family: the kind of fault.
      task_id: the task.
      onset: seconds until the fault begins.
      episodes: caption and animation of each, the reference first.
    """

    family: str
    task_id: str
    onset: float
    episodes: Sequence[tuple[str, str]]


def films(
    rows: Sequence[AdaptationRow],
    played: Mapping[str, EpisodeStore],
    layout: Layout,
    control_hz: float,
) -> list[FaultFilm]:
    """Draw the first task of each family under the reference and the best methods.

    Args:
      rows: rows of all methods, those of the reference first.
      played: episodes by method, in the order of its rows.
      layout: of the states; without a drawing there are no films.
      control_hz: control steps per second.
    """
    if layout.drawing is None:
        return []
    of_method = {name: [row for row in rows if row.method == name] for name in played}
    reference, *others = of_method
    others.sort(key=lambda name: -sum(row.score for row in of_method[name]))
    shown = (reference, *others[:_BESIDE])
    first: dict[str, int] = {}
    for i, row in enumerate(of_method[reference]):
        first.setdefault(row.family, i)
    return [
        FaultFilm(
            family,
            of_method[reference][i].task_id,
            of_method[reference][i].onset / control_hz,
            [
                _episode(of_method[name][i], played[name], i, layout, control_hz)
                for name in shown
            ],
        )
        for family, i in first.items()
    ]


def _episode(
    row: AdaptationRow, store: EpisodeStore, i: int, layout: Layout, control_hz: float
) -> tuple[str, str]:
    """Return caption and animation of an episode, in real time."""
    seconds = (store.length[i] - 1) / control_hz
    caption = f"{label(row.method)}: return {row.score:.0f}"
    clip = svg.Clip(0, seconds, seconds + _PAUSE)
    states = store.state[i, : store.length[i]]
    return caption, scene.draw(states, layout, caption, clip=clip)
