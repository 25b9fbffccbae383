"""World made of a dm_env environment."""

import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from dm_env import specs

from wtl.collection.worlds.plain.controls import Controls
from wtl.collection.worlds.plain.environment import (
    Make,
    PlainEnvironment,
    stored_as,
)
from wtl.collection.worlds.plain.layout import PlainLayout
from wtl.collection.worlds.plain.relabel import PlainRelabeller
from wtl.collection.worlds.plain.task import PlainScene, PlainTask
from wtl.collection.worlds.plain.teleop import PlainTeleop
from wtl.collection.worlds.plain.trial_tasks import PlainTasks
from wtl.collection.worlds.world import Command, Ends, Reward, Spec, World
from wtl.datasets.contract import fields
from wtl.datasets.contract.camera import NO_CAMERA, CameraConfig
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.names import did_you_mean
from wtl.datasets.reading.scaling import size_of

# An environment of another simulator may need tens of megabytes.
_SIDE_BY_SIDE = 64

# (environment, its last timestep) -> action in the units of the environment.
Actor = Callable[[Any, Any], np.ndarray]


def dm_env_world(
    name: str,
    make: Make,
    tasks: Callable[..., Sequence[PlainTask]],
    *,
    horizon: int,
    control_hz: float = 10.0,
    expert: Callable[[PlainTask], Actor] | None = None,
    teleop: Controls | None = None,
    reward: Reward | None = None,
    ends: Ends | None = None,
    sets: Sequence[str] = (),
    deciding_steps: int | None = None,
    version: str = "1.0.0",
) -> World:
    """Return a world whose environments are dm_env environments.

    Observations are arrays of any shape, flat or nested; uint8[H, W, 3] are images, of
    any size. Actions are one bounded vector. Success is what the method `succeeded` of
    the environment says, or without one a last reward above 0.

    Args:
      name: name of the world.
      make: (task, seed) -> environment; the seed, below 2**32, decides its first
        episode.
      tasks: (split, seed, count=...) -> tasks, `count` of them; ids are unique in the
        world.
      horizon: control steps of an episode.
      control_hz: control steps per second.
      expert: (task) -> actor, which is called with environment and timestep and returns
        an action in the environment's units.
      teleop: mapping of an operator's commands to actions, for `wtl teleop`.
      reward: its rewards as a function, for planners; see `World.reward`.
      ends: at which states its episodes end, for the same; see `World.ends`.
      sets: names of the observations [N, F] that are sets: N things of one kind with F
        numbers each, in an order without meaning. Policies choose one thing to act on,
        and read it, the observations that are no sets, and the context.
      deciding_steps: number of first steps in which an episode decides which thing it
        acts on, such as those until the hand has reached it. They are imitated more
        often: five eighths of the imitated steps are drawn from them.
      version: raised whenever the same seed no longer gives the same episode.

    Raises:
      UserError: if there is no task, two have the same id, or the specs of its
        environment, the controls or the deciding steps do not fit.
    """
    if deciding_steps is not None and not 0 < deciding_steps <= horizon:
        raise UserError(
            f"world {name!r}: deciding_steps is {deciding_steps}; it may be 1 to "
            f"{horizon}, the horizon"
        )
    probe = make(_tasks(name, tasks, fields.SPLIT_TRAIN, 0, count=1)[0], 0)
    action = action_spec(name, probe)
    episodes = episode_spec(name, probe, action, sets)
    probed = [
        task
        for split in fields.SPLITS
        for task in _tasks(name, tasks, split, 0, count=_PROBED)
    ]
    _require_unique_ids(name, probed)
    families = {task.family for task in probed}

    try:
        operated = teleop and PlainTeleop(teleop, episodes)
    except ValueError as error:
        raise UserError(f"world {name!r}, teleop: {error}") from None

    def make_env(task: PlainTask, scene_seed: int, camera: CameraConfig = NO_CAMERA):
        if camera:
            raise UserError(f"world {name!r} has no camera: set camera.pixels = 0")
        return PlainEnvironment(
            make, PlainScene(task, scene_seed), episodes, horizon, control_hz
        )

    world = World(
        name=name,
        spec=spec_of(episodes, action, control_hz, horizon),
        families=tuple(sorted(families)),
        tasks=functools.partial(_tasks, name, tasks, count=_PROBED),
        make_env=make_env,
        expert=expert and functools.partial(_expert, expert),
        teleop=operated,
        reward=reward,
        ends=ends,
        version=version,
        side_by_side=_SIDE_BY_SIDE,
        plain={
            "name": name,
            "make": make,
            "tasks": tasks,
            "horizon": horizon,
            "control_hz": control_hz,
            "expert": expert,
            "version": version,
        },
        **parts_of(episodes, deciding_steps),
    )
    return dataclasses.replace(world, trial_tasks=functools.partial(PlainTasks, world))


def spec_of(
    episodes: EpisodeSpec, action: specs.BoundedArray, control_hz: float, horizon: int
) -> Spec:
    """Return the `Spec` of environments whose stored episodes have a spec."""
    return Spec(
        observation={
            o.name: specs.Array(o.shape, np.dtype(o.dtype), o.name)
            for o in episodes.observations
        },
        action=action,
        axes=episodes.axes,
        control_hz=control_hz,
        horizon=horizon,
    )


def parts_of(
    episodes: EpisodeSpec, deciding_steps: int | None = None
) -> dict[str, Any]:
    """Return the parts of a `World` that follow from the spec of its episodes."""
    layout = PlainLayout.of(episodes, deciding_steps)
    return {
        "relabel": PlainRelabeller,
        "encoder": lambda size: layout,
        "episodes": episodes,
        "images": {c.name: size_of(c.shape, _SIDE) for c in episodes.cameras},
        "perception": _perception if episodes.cameras else None,
        "normaliser": lambda demos: layout.normaliser(demos, episodes),
    }


_SIDE = 64  # pixels, of images as policies take them
_ROUNDING = 1e-6  # by which an action may exceed its limits, as a share of these
_PROBED = 100  # tasks of each split, where no count is given


def _perception():
    from wtl.collection.worlds.plain import perception

    return perception


def _tasks(name: str, tasks, split: str, seed: int, **options) -> list[PlainTask]:
    made = [dataclasses.replace(t, domain=name) for t in tasks(split, seed, **options)]
    for task in made:
        if task.split != split:
            raise UserError(
                f"world {name!r}: tasks({split!r}, …) returned the task "
                f"{task.task_id!r} of the split {task.split!r}"
            )
    if not made and split == fields.SPLIT_TRAIN:
        raise UserError(f"world {name!r} has no task of the split {split!r}")
    return made


def _require_unique_ids(name: str, tasks: Sequence[PlainTask]):
    [(task_id, count)] = Counter(task.task_id for task in tasks).most_common(1)
    if count > 1:
        raise UserError(
            f"world {name!r}: {count} tasks have the id {task_id!r}; give each task of "
            "each split an id of its own"
        )


def _expert(expert, scene: PlainScene, rng: np.random.Generator):
    """See `World.expert`."""
    del rng
    with scene.calling("the expert fails"):
        act = expert(scene.task)

    def command(env: PlainEnvironment, noise: float, rng) -> Command:
        spec = env.action_spec()
        if env.timestep.last():
            return Command(spec.minimum, spec.minimum)  # without effect
        with scene.calling("the expert fails"):
            returned = act(env.native, env.timestep)
            wanted = np.asarray(returned, np.float64)
        if wanted.shape != spec.shape or not np.isfinite(wanted).all():
            raise scene.error(
                f"the expert returned {returned}, but an action has {spec.shape[0]} "
                "finite numbers"
            )
        least, most = np.float64(spec.minimum), np.float64(spec.maximum)
        slack = _ROUNDING * np.maximum(np.abs(least), np.abs(most))
        if (np.abs(wanted - wanted.clip(least, most)) > slack).any():
            raise scene.error(
                f"the expert returned {returned}, outside of the limits of an action, "
                f"{spec.minimum} to {spec.maximum}; let the expert clip it (np.clip)"
            )
        drawn = rng.standard_normal(len(wanted)) * (spec.maximum - spec.minimum) / 2
        return Command(wanted + noise * drawn, wanted)

    return command


def action_spec(name: str, env) -> specs.BoundedArray:
    """Return the action spec of an environment.

    Raises:
      UserError: if it is no vector with finite limits; the message names the world.
    """
    spec = env.action_spec()
    bounded = isinstance(spec, specs.BoundedArray) and len(spec.shape) == 1
    limits = (spec.minimum, spec.maximum) if bounded else ()
    if not bounded or not all(np.isfinite(limit).all() for limit in limits):
        raise UserError(
            f"world {name!r}: the action spec {spec} is no vector with finite limits"
        )
    return spec


def episode_spec(
    name: str, env, action: specs.BoundedArray, sets: Sequence[str] = ()
) -> EpisodeSpec:
    """Return the spec of the episodes of an environment with an action spec.

    Raises:
      UserError: if an observation cannot be stored, or a set is none; the message names
        the world.
    """
    observed = flat_specs(name, env.observation_spec())
    for part in sets:
        if part not in observed:
            raise UserError(
                f"world {name!r}: sets names {part!r}, but the observations are "
                f"{', '.join(observed)}{did_you_mean(part, observed)}"
            )
    limits = (
        np.broadcast_to(x, action.shape) for x in (action.minimum, action.maximum)
    )
    low, high = (tuple(map(float, np.float32(values))) for values in limits)
    names = tuple((action.name or "").split("\t"))  # as dm_control joins them
    try:
        return EpisodeSpec(
            tuple(
                stored_as(part, spec, is_set=part in sets)
                for part, spec in observed.items()
            ),
            action_size=action.shape[0],
            action_low=low,
            action_high=high,
            action_names=names if len(names) == action.shape[0] > 1 else (),
            instruction=True,
        )
    except ValueError as error:
        raise UserError(f"world {name!r}: {error}") from None


def flat_specs(name: str, tree: Any) -> dict[str, specs.Array]:
    """Return nested specs of a world by path, as `environment.flat` names them.

    Raises:
      UserError: if they are neither an array nor nested dicts of arrays.
    """
    if isinstance(tree, specs.Array):
        return {fields.OBSERVATION: tree}
    if not isinstance(tree, Mapping):
        raise UserError(
            f"world {name!r}: an observation spec is a {type(tree).__name__}; it may "
            "be an array or a dict of these"
        )
    return {
        (f"{key}/{path}" if not isinstance(value, specs.Array) else str(key)): spec
        for key, value in tree.items()
        for path, spec in flat_specs(name, value).items()
    }
