"""Meta-World (Yu et al. 2019), version 3.1.1, as worlds for one-shot imitation.

A task is one of Meta-World's 50 environments, with its objects and goal drawn anew for
each scene. A demonstration of an environment that no policy was trained on says what is
to be done there. Scripted policies of Meta-World demonstrate.

`metaworld_signs` hides the signs of the hand's motions along x and y, drawn anew for
each scene: a trial in the scene shows them, a demonstration in another does not.

Differences from Meta-World: each action is held for two of its 80 Hz steps; an episode
ends with its first success, after 120 actions at the latest. Positions are observed
relative to the hand too, joined with velocities in place of the last observation.
"""

import functools
import warnings

import dm_env
import mujoco
import numpy as np
from dm_env import specs
from metaworld import env_dict, policies, sawyer_xyz_env
from metaworld_camera import PIXELS, camera_of

import wtl

HORIZON, HELD, HZ = 120, 2, 40.0
SPLITS = {
    # Held out by Chang and Gupta 2023 and Goswami et al. 2025 (one-shot imitation).
    "metaworld_one_shot": {
        "test": ("window-open", "button-press", "door-unlock", "pick-place-wall"),
        "val": ("drawer-open", "faucet-close", "handle-press", "push"),
    },
    # Meta-World's own splits, which have no validation tasks.
    "metaworld_ml10": {
        "train": env_dict.ML10_V3["train"],
        "test": env_dict.ML10_V3["test"],
    },
    "metaworld_ml45": {
        "train": env_dict.ML45_V3["train"],
        "test": env_dict.ML45_V3["test"],
    },
}


def _reset_mocap_welds(env):
    """Do what Meta-World's method does, which MuJoCo from 3.4 on rejects.

    A row of `eq_data` has grown from 11 to 12 numbers.
    """
    welds = env.model.eq_type == mujoco.mjtEq.mjEQ_WELD
    env.model.eq_data[welds, :11] = [0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 5]


sawyer_xyz_env.SawyerMocapBase.reset_mocap_welds = _reset_mocap_welds
# Meta-World's experts warn at each step that their action is clipped.
warnings.filterwarnings("ignore", "Constant.s. may be too high", UserWarning)


class MetaWorld(dm_env.Environment):
    """Environment of Meta-World whose scene a seed decides.

    Attributes:
      observed: float64[39] last observation, as scripted policies read it.
      gains: [4] hidden factors of the action.
    """

    def __init__(
        self, name: str, seed: int, from_images: bool = False, hides_signs: bool = False
    ):
        """Make the environment `name`, such as `push`.

        Args:
          name: name without version.
          seed: of its scene.
          from_images: whether hand and image are observed; else hand, objects and goal.
          hides_signs: whether commands along x and y may move the hand backwards.
        """
        self._from_images = from_images
        signs = np.random.default_rng(seed).choice([-1.0, 1.0], 2)
        self.gains = np.array([*signs, 1.0, 1.0]) if hides_signs else np.ones(4)
        key = f"{name}-v3-goal-observable"
        self._env = env_dict.ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE[key](seed=seed)
        self._env._freeze_rand_vec, self._env.seeded_rand_vec = False, True

    def reset(self):
        """Start the episode of the seed."""
        self._env.reset()
        # Many environments move objects without computing where these are now, so that
        # the observation that `reset` returns shows them elsewhere.
        mujoco.mj_forward(self._env.model, self._env.data)
        self._env._get_obs()  # becomes the observation before
        self.observed = self._env._get_obs()
        self._success = False
        return dm_env.restart(self._observation())

    def step(self, action):
        """Hold an action for two steps of the simulator."""
        for _ in range(HELD):
            self.observed, reward, _, _, info = self._env.step(self.gains * action)
            self._success = bool(info["success"])
            if self._success:
                return dm_env.termination(reward, self._observation())
        return dm_env.transition(reward, self._observation())

    def succeeded(self):
        """Whether the task is solved."""
        return self._success

    def _observation(self):
        if self._from_images:
            hand = self.observed[:4].astype(np.float32)
            image = camera_of(self._env.model_name).render(self._env.data)
            return {"hand": hand, "image": image}
        hand, goal = self.observed[:3], self.observed[36:]
        first, second = self.observed[4:11], self.observed[11:18]
        # Zeros stand for an object that there is not.
        others = [p - hand if p.any() else p for p in (first[:3], second[:3], goal)]
        found = {
            "hand": self.observed[:4],
            "objects": np.stack([first, second]),
            "goal": goal,
            "from_hand": np.stack(others),
            "velocity": self.observed[:18] - self.observed[18:36],
        }
        return {name: value.astype(np.float32) for name, value in found.items()}

    def observation_spec(self):
        """Metres; orientations are quaternions, velocities are per 1/80 s."""
        shapes = {
            "hand": (4,),  # position, opening from 0 to 1
            "objects": (2, 7),  # position, orientation
            "goal": (3,),
            "from_hand": (3, 3),  # of both objects and the goal
            "velocity": (18,),  # of hand and objects
        }
        if self._from_images:
            image = specs.Array((PIXELS, PIXELS, 3), np.uint8, "image")
            return {"hand": specs.Array((4,), np.float32, "hand"), "image": image}
        return {n: specs.Array(shape, np.float32, n) for n, shape in shapes.items()}

    def action_spec(self):
        """Motion of the hand's target, in cm per 1/80 s, and gripper effort."""
        return specs.BoundedArray((4,), np.float32, -1.0, 1.0, "x\ty\tz\tgrip")


def _tasks(splits, split, seed, count):
    """Return tasks of a split, one for each environment."""
    del seed
    held_out = {name for part in ("val", "test") for name in splits.get(part, ())}
    every = [name.removesuffix("-v3") for name in env_dict.ALL_V3_ENVIRONMENTS]
    names = splits.get(split, () if split != "train" else every)
    names = [name.removesuffix("-v3") for name in names]
    if split == "train":
        names = [name for name in names if name not in held_out]
    return [
        wtl.worlds.Task(f"{split}-{name}", name, split, instruction=_instruction(name))
        for name in names[:count]
    ]


def _instruction(name):
    return name.replace("-", " ")


def _expert(task):
    act = policies.ENV_POLICY_MAP[f"{task.family}-v3"]().get_action
    # Gains of 1 and -1 are their own inverses.
    return lambda env, timestep: env.gains * np.clip(act(env.observed), -1, 1)


def _register(name, splits, **options):
    wtl.worlds.register(
        wtl.worlds.dm_env(
            name,
            lambda task, seed: MetaWorld(task.family, seed, **options),
            functools.partial(_tasks, splits),
            horizon=HORIZON,
            control_hz=HZ,
            expert=_expert,
            version="1.1.0",
        )
    )


for _name, _splits in SPLITS.items():
    _register(_name, _splits)
_register("metaworld_images", SPLITS["metaworld_one_shot"], from_images=True)
_register("metaworld_signs", SPLITS["metaworld_one_shot"], hides_signs=True)
