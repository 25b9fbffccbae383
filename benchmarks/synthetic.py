"""Datasets of random numbers in the shape of the gripper's, as many as wanted."""

import dataclasses
import functools
import pathlib
from collections.abc import Iterator

from wtl.collection import recorder
from wtl.collection.worlds.tabletop import environment
from wtl.collection.worlds.tabletop.observation import BUTTON, OBJECT, Layout
from wtl.datasets.contract import episode as episodes
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode, EpisodeSpec
from wtl.datasets.contract.layout import slices
from wtl.datasets.storage import new_version
from wtl.datasets.storage.staging import StagingWriter
from wtl.datasets.testing.fakes import fake_episode

_BATCH = 500
_SCENES = 64  # that differ in their numbers; further ones differ by their seed alone


def write(
    root: pathlib.Path, count: int, *, size: int = 3, pixels: int = 0
) -> pathlib.Path:
    """Publishes demonstrations that nobody gave.

    Args:
      root: where datasets are published.
      count: how many.
      size: number of objects.
      pixels: height and width of the images; 0 for none.

    Returns:
      The folder of the version.
    """
    spec = recorder.episode_spec(size, pixels)
    with new_version.new_version(root, fields.WTL_DEMOS, spec) as version:
        fill(version.writer, range(count), spec)
        return version.publish("Random numbers.", {})


def fill(writer: StagingWriter, indices: range, spec):
    """Stages episodes by number, batch by batch."""
    for start in range(0, len(indices), _BATCH):
        part = indices[start : start + _BATCH]
        writer.append(
            [fake_episode(i, spec, transitions=environment.HORIZON) for i in part]
        )


@dataclasses.dataclass(frozen=True)
class Tasks:
    """Tasks that were demonstrated and tried; training examples can be drawn of them.

    Attributes:
      tasks: how many.
      demonstrations: of each task, each in a scene of its own; at least 2.
      trials: of each task, in these scenes in turns; at least 1.
      transitions: of each episode.
    """

    tasks: int
    demonstrations: int
    trials: int
    transitions: int

    @property
    def episodes(self) -> int:
        """How many episodes there are in all."""
        return self.tasks * (self.demonstrations + self.trials)

    def demonstrated(self, spec: EpisodeSpec) -> Iterator[Episode]:
        """Yields the demonstrations."""
        for task in range(self.tasks):
            for scene in range(self.demonstrations):
                yield _told(self.transitions, spec, "demo", task, scene, scene)

    def tried(self, spec: EpisodeSpec) -> Iterator[Episode]:
        """Yields the trials; each was shown the demonstration of the scene before."""
        for task in range(self.tasks):
            for i in range(self.trials):
                scene = i % self.demonstrations
                shown = (scene - 1) % self.demonstrations
                yield _told(
                    self.transitions,
                    spec,
                    "trial",
                    task,
                    scene,
                    i,
                    {
                        fields.PARENT_DEMO_IDS: (_id("demo", task, shown),),
                        fields.HIDDEN_ACHIEVED: 0,
                        fields.TRIAL_INDEX: i,
                    },
                )


def _told(transitions, spec, role, task, scene, index, further=None) -> Episode:
    """An episode of a task in a scene, whose numbers are those of the scene."""
    steps = _steps(transitions, spec, scene % _SCENES)
    return dataclasses.replace(
        steps,
        metadata=steps.metadata
        | {
            fields.EPISODE_ID: _id(role, task, index),
            fields.TASK_ID: f"{_object_set(task)}-grasp",
            fields.OBJECT_SET: _object_set(task),
            fields.FAMILY: "grasp",
            fields.ROLE: role,
            fields.SCENE_SEED: scene,
            fields.HIDDEN_TARGET: 0,
        }
        | (further or {}),
    )


def _object_set(task: int) -> str:
    return f"set{task:06d}"


def _id(role: str, task: int, index: int) -> str:
    name = fields.WTL_DEMOS if role == "demo" else fields.WTL_TRIALS
    return episodes.episode_id(name, f"{_object_set(task)}-grasp", role, index, task)


# Drawing so many random numbers would take more time than all that is measured.
@functools.lru_cache(maxsize=_SCENES)
def _steps(transitions: int, spec: EpisodeSpec, scene: int) -> Episode:
    """An episode in which the first object alone moves, of the same colour always."""
    made = fake_episode(scene, spec, transitions=transitions)
    state = made.steps[fields.STATE]
    state[1:] = state[0]
    layout = Layout(3)
    for kind, table in (("objects", OBJECT), ("buttons", BUTTON)):
        rows = layout.split(state)[kind]
        part = slices(table)
        rows[..., part["rgb"]] = [[[0.1], [0.4], [0.8]]]
        if kind == "buttons":
            rows[..., part["travel"]] = 0.0
        else:
            rows[1:, 0, part["position"]] += 0.1
    return made
