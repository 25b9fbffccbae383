"""Durable recording of the user's own loops of dm_env or Gymnasium environments."""

import dataclasses
import math
import os
import pathlib
import shutil
import time
from collections.abc import Callable
from typing import Any

import dm_env
import gymnasium
import numpy as np

from wtl.collection import action
from wtl.collection.recorder import Recorder
from wtl.collection.worlds.plain.environment import PlainEnvironment
from wtl.collection.worlds.plain.gym_environment import GymEnvironment, SpaceError
from wtl.collection.worlds.plain.task import PlainScene, PlainTask
from wtl.collection.worlds.plain.world import action_spec, episode_spec
from wtl.datasets.contract import episode as episodes
from wtl.datasets.contract import fields, metadata
from wtl.datasets.contract.errors import UserError
from wtl.datasets.format import schema
from wtl.datasets.format.decoding import episode_id
from wtl.datasets.interchange import field_mapping
from wtl.datasets.reading import reader
from wtl.datasets.storage import location, staging
from wtl.datasets.storage.new_version import NewVersion, check_name

_OF_TASK = (fields.TASK_ID, fields.FAMILY, fields.SPLIT, fields.INSTRUCTION)


class OwnEnvironment(PlainEnvironment):
    """The user's environment as one that stages play.

    Attributes:
      success: asked once at the end of an episode, in place of the environment.
    """

    success: Callable[[], bool] | None = None

    def reset(self) -> dm_env.TimeStep:
        """Start an episode."""
        self._outcome = None
        return super().reset()

    def succeeded(self) -> bool:
        """Whether the episode is a success."""
        if self.success is None:
            return super().succeeded()
        if self._outcome is None:
            self._outcome = bool(self.success())
        return self._outcome


class Recording:
    """Dataset that grows by each episode that an environment ends.

    An episode is on disk when the step that ends it returns.

    Attributes:
      env: the environment, as stages play it.
      folder: of the dataset.
      steps: made in the episode in progress.
      writer: of episodes that are not published yet, once it is known how they are
        stored.
    """

    def __init__(
        self,
        env: Any,
        folder: str | os.PathLike,
        describing: dict[str, Any],
        spec: episodes.EpisodeSpec | None = None,
    ):
        """Record an environment into a dataset.

        Args:
          env: the environment, as stages play it.
          folder: of the dataset.
          describing: metadata of the episodes, see `wtl.record`.
          spec: of the episodes; None takes the environment's, or that of its first
            episode.
        """
        self.folder = pathlib.Path(os.path.expanduser(folder))
        self._staging = self.folder / "staging"
        check_name(self.folder.name)
        self.env = env
        self._task = env.scene_config.task
        self._metadata: dict[str, Any] = {fields.ROLE: fields.ROLE_DEMO}
        self._recorder: Recorder | None = None
        self.steps = 0
        self._session = time.time_ns()
        self._count = 0
        self.writer: staging.StagingWriter | None = None
        self.describe(**describing)
        if isinstance(env, PlainEnvironment):
            spec = env.spec
        if spec:
            self._open(spec)
        elif staging.is_staging(self._staging):
            self._open(staging.read_spec(self._staging))

    def describe(self, **changes: Any):
        """Set metadata of the episodes that start from now on.

        Args:
          **changes: values by field; of environments of `wtl.make_env` the task is
            known.

        Raises:
          UserError: if there is no such field, or a value does not fit.
        """
        for name, value in changes.items():
            if problem := metadata.value_fault(name, value):
                raise UserError(problem)
        of_task = {name: changes.pop(name) for name in _OF_TASK if name in changes}
        if of_task and self._task.domain:
            raise UserError(
                f"{', '.join(of_task)} cannot be set: the environment has a task of "
                f"world {self._task.domain!r}"
            )
        self._metadata |= changes
        if of_task:
            self._task = dataclasses.replace(self._task, **of_task)
            seed = self.env.scene_config.scene_seed + 1
            self.env.prepare(PlainScene(self._task, seed))

    def reset(self) -> dm_env.TimeStep:
        """Start an episode; one that has not ended is dropped."""
        timestep = self.env.reset()
        self._recorder = Recorder(self.env)
        self._recorder.start(timestep)
        self._known = dict(self._metadata)
        self.steps = 0
        return timestep

    def step(self, chosen: np.ndarray) -> dm_env.TimeStep:
        """Apply an action; start an episode where none is in progress.

        Raises:
          UserError: if it is no action of the environment.
        """
        if self._recorder is None:
            return self.reset()
        timestep = self.advance(chosen)
        if timestep.last():
            episode = self.episode()
            self._recorder = None
            self.keep(episode)
        return timestep

    def advance(self, chosen: np.ndarray) -> dm_env.TimeStep:
        """Apply an action in an episode that is in progress, and keep nothing yet.

        Raises:
          UserError: if it is no action of the environment.
        """
        spec = self.env.action_spec()
        if fault := action.fault(np.asarray(chosen), spec):
            raise UserError(
                f"step {self.steps}: the action {fault}; the environment takes "
                f"{spec.shape[0]} numbers from {spec.minimum} to {spec.maximum}"
            )
        timestep = self.env.step(chosen)
        self._recorder.add(chosen, timestep)
        self.steps += 1
        return timestep

    def episode(self, success: bool | None = None, **known: Any) -> episodes.Episode:
        """Return the episode so far.

        Args:
          success: label in place of the environment's.
          **known: metadata besides those of `describe`, or in place of them.
        """
        known = self._known | known
        if fields.EPISODE_ID not in known:
            known[fields.EPISODE_ID] = episodes.episode_id(
                self.folder.name,
                self.env.scene_config.task.task_id,
                known[fields.ROLE],
                self._count,
                self._session,
            )
        return self._recorder.episode(success, **known)

    def keep(self, episode: episodes.Episode):
        """Stage an episode; it is on disk when the call returns."""
        if self.writer is None:
            # Without limits of its own, actions are fractions in [-1, 1].
            self._open(field_mapping.spec_of(episode, limits=((), ())))
        self.writer.append(episode)
        self._count += 1

    def _open(self, spec: episodes.EpisodeSpec):
        for version in location.versions(self.folder)[-1:]:
            schema.require(spec, schema.stored_spec(version), version)
        self.writer = staging.StagingWriter(self._staging, spec)
        if self.writer.episode_ids and self.writer.episode_ids <= self.published_ids:
            # The process was killed between publishing and forgetting.
            self.writer.close()
            shutil.rmtree(self._staging)
            self.writer = staging.StagingWriter(self._staging, spec)

    @property
    def published_ids(self) -> set[str]:
        """Ids of the episodes of the newest version."""
        return {
            episode_id(record.payload)
            for version in location.versions(self.folder)[-1:]
            for record in reader.iterate_records(version)
        }

    def publish(self) -> pathlib.Path | None:
        """Publish the episodes, and those published before, as the next version.

        Returns:
          The folder of the version; None if no episode was added.
        """
        if not self.writer or not self.writer.episode_ids:
            return None
        new = NewVersion(self.folder.parent, self.folder.name, self.writer)
        for version in location.versions(self.folder)[-1:]:
            new.add(record.payload for record in reader.iterate_records(version))
        made_by = {"command": "wtl.record", fields.PROVENANCE_WORLD: self._task.domain}
        path = new.publish("Recorded episodes.", made_by)
        shutil.rmtree(self._staging)
        self.writer = None
        return path

    def close(self):
        """Release the dataset; episodes that are not published stay staged."""
        if self.writer:
            self.writer.close()
            if not self.writer.episode_ids:
                shutil.rmtree(self._staging)


class _Recorded:
    """Part that recorded environments share.

    Attributes:
      env: the user's environment.
      recording: the dataset.
    """

    env: Any
    recording: Recording

    def describe(self, **changes: Any):
        """Set metadata of the episodes that start from now on; see `wtl.record`."""
        self.recording.describe(**changes)

    def publish(self) -> pathlib.Path | None:
        """Publish the episodes and return the folder of the version, if any is new."""
        return self.recording.publish()

    def close(self):
        """Close the environment; episodes that are not published stay staged."""
        self.recording.close()
        self.env.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.publish()
        self.close()
        return False


class RecordedEnv(_Recorded, dm_env.Environment):
    """dm_env environment whose episodes are recorded."""

    def __init__(self, env: dm_env.Environment, recording: Recording):
        """Wrap the user's environment."""
        self.env, self.recording = env, recording

    def reset(self) -> dm_env.TimeStep:
        """Start an episode; one that has not ended is dropped."""
        return _native(self.recording, self.recording.reset())

    def step(self, action: np.ndarray) -> dm_env.TimeStep:
        """Apply an action."""
        return _native(self.recording, self.recording.step(action))

    def observation_spec(self):
        """Specs of the environment's observations."""
        return self.env.observation_spec()

    def action_spec(self):
        """Spec of the environment's actions."""
        return self.env.action_spec()


class RecordedGymEnv(_Recorded, gymnasium.Wrapper):
    """Gymnasium environment whose episodes are recorded."""

    def __init__(self, env: gymnasium.Env, inner: GymEnvironment, recording: Recording):
        """Wrap the user's environment; `inner` is the same for the recording."""
        super().__init__(env)
        self._inner, self.recording = inner, recording

    def reset(self, *, seed: int | None = None, options: dict | None = None):
        """Start an episode; one that has not ended is dropped."""
        self._inner.given = {"seed": seed, "options": options}
        timestep = _native(self.recording, self.recording.reset())
        return timestep.observation, self._inner.info

    def step(self, action: np.ndarray):
        """Apply an action."""
        timestep = _native(self.recording, self.recording.step(action))
        ended = timestep.last()
        return (
            timestep.observation,
            timestep.reward,
            ended and timestep.discount == 0,
            ended and timestep.discount > 0,
            self._inner.info,
        )


def _native(recording: Recording, timestep: dm_env.TimeStep) -> dm_env.TimeStep:
    """Return the timestep as the user's environment made it, but for its end."""
    if recording.env.scene_config.task.domain:
        return timestep
    found = recording.env.timestep
    if timestep.last() and not found.last():
        return dm_env.truncation(found.reward, found.observation)
    return found


def record(
    env: dm_env.Environment | gymnasium.Env,
    folder: str | os.PathLike,
    *,
    horizon: int | None = None,
    control_hz: float = 10.0,
    success: Callable[[], bool] | None = None,
    **describing: Any,
) -> RecordedEnv | RecordedGymEnv:
    """Return the environment with its episodes recorded into a dataset, durably.

    Each episode is on disk when the step that ends it returns, and survives a kill. At
    the end of a `with` block, or by `publish()`, all episodes become the dataset's next
    version, together with those of earlier recordings. An episode that is not ended,
    but reset, is dropped.

        with wtl.record(env, "data/my_demos", task_id="cup", demonstrator="me") as env:
            timestep = env.reset()
            ...
            env.describe(task_id="spoon")  # of the next episodes

    Args:
      env: dm_env or Gymnasium environment, whose observations are arrays, flat or
        nested, and whose actions are one bounded vector.
      folder: of the dataset, `ROOT/NAME`.
      horizon: steps after which an episode is cut off; None to leave the end to the
        environment.
      control_hz: control steps per second.
      success: asked for the success of each episode at its end. By default the
        environment tells: `succeeded()`, `success` in `info`, or a last reward above 0.
      **describing: metadata of the episodes, such as `task_id`, `family`, `split`,
        `instruction`, `demonstrator`, `role` and `notes`.

    Raises:
      UserError: if the environment or the metadata do not fit, or the dataset holds
        episodes of another kind.
    """
    if hasattr(env, "scene_config"):
        if success:
            raise UserError("success cannot be set: the environment's world tells it")
        return RecordedEnv(env, Recording(env, folder, describing))
    inner = GymEnvironment(env) if isinstance(env, gymnasium.Env) else env
    name = pathlib.Path(folder).name
    own = OwnEnvironment(
        lambda task, seed: inner,
        PlainScene(
            PlainTask("task", "recorded", fields.SPLIT_TRAIN), time.time_ns() % 2**31
        ),
        _spec_of(name, inner),
        math.inf if horizon is None else horizon,
        control_hz,
    )
    own.success = success
    recording = Recording(own, folder, describing)
    if inner is env:
        return RecordedEnv(env, recording)
    return RecordedGymEnv(env, inner, recording)


def _spec_of(name: str, env: dm_env.Environment) -> episodes.EpisodeSpec:
    try:
        return episode_spec(name, env, action_spec(name, env))
    except SpaceError as error:
        raise UserError(str(error)) from error
