"""Films of the same fault under several methods."""

import dataclasses

import numpy as np

from wtl.collection.worlds import registry
from wtl.collection.worlds.plain.layout import PlainLayout
from wtl.datasets.reading.store import EpisodeStore
from wtl.evaluation import fault_film
from wtl.evaluation.adaptation import AdaptationRow

WORLD = registry.get("half_cheetah")
METHODS = ("model_based", "dynamic_evaluation", "grbal", "rebal")


def _row(method: str, task: int, score: float) -> AdaptationRow:
    family = ("joint", "slope")[task % 2]
    return AdaptationRow(
        method, f"val-{task}", family, 0, 100, False, score, 0.0, (), f"{method}-{task}"
    )


def _played() -> tuple[list[AdaptationRow], dict[str, EpisodeStore]]:
    (task,) = WORLD.tasks("val", 0, count=1)
    state = WORLD.open(task.scene(0)).reset().observation["state"]
    store = EpisodeStore(
        state=np.tile(state, (3, 21, 1)),
        action=np.zeros((3, 21, 6), np.float32),
        reward=np.zeros((3, 21), np.float32),
        length=np.full(3, 21),
        metadata={},
    )
    rows = [_row(m, t, 10.0 * i) for i, m in enumerate(METHODS) for t in range(3)]
    return rows, dict.fromkeys(METHODS, store)


def test_films_show_the_reference_and_the_best_methods_once_per_fault():
    rows, played = _played()
    films = fault_film.films(rows, played, WORLD.encoder(1), 20.0)
    assert [film.family for film in films] == ["joint", "slope"]
    assert [film.task_id for film in films] == ["val-0", "val-1"]
    captions = [caption for caption, _ in films[0].episodes]
    assert captions == ["Model-based: return 0", "ReBAL: return 30", "GrBAL: return 20"]
    assert films[0].onset == 5.0
    assert 'dur="2s"' in films[0].episodes[0][1]  # one second, and a pause


def test_without_a_drawing_there_are_no_films():
    rows, played = _played()
    layout = PlainLayout(**dataclasses.asdict(WORLD.encoder(1)))
    assert fault_film.films(rows, played, layout, 20.0) == []
