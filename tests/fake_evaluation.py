"""Rollouts and episodes made up for tests of the evaluation."""

import numpy as np

from wtl.collection.worlds.tabletop import observation
from wtl.evaluation.camera_video import CameraVideo, Gaze
from wtl.evaluation.episode_strip import Recording, Strip
from wtl.evaluation.rollout_row import RolloutRow

LAYOUT = observation.Layout(3)
STEPS = 41

FAMILIES = ("press", "grasp", "push", "slide", "stack")
SUCCESS = {
    "bc": 0.05,
    "mil": 0.7,
    "mil_second_try": 0.65,
    "wtl": 0.95,
    "demo_hidden_at_retrial": 0.85,
    "trial_only": 0.3,
    "oracle_task": 0.99,
}
WITH_TRIAL = ("wtl", "demo_hidden_at_retrial", "trial_only")
PROTOCOL = {
    "tasks": 40,
    "scenes_per_task": 4,
    "split": "test",
    "seed": 0,
    "retrial_scene": "same",
}


def row(method="wtl", task=0, pair=0, success=True, **fields) -> RolloutRow:
    """One rollout; what is not given is made up."""
    family = fields.pop("family", FAMILIES[task % len(FAMILIES)])
    values = {
        "method": method,
        "task_id": f"test-{task:05d}-{family}-0",
        "family": family,
        "rule": "identity:1" if task % 5 < 3 else "position:0",
        "pair": pair,
        "scene_seed": 100 * task + pair,
        "demo_id": f"demo-{task}-{pair}",
        "trial_ids": (),
        "episode_id": f"{method}-{task}-{pair}",
        "success": success,
        "wrong_target": False,
        "conflict": pair % 2 == 0,
        "ceiling": 1.0,
    }
    return RolloutRow(**values | fields)


def evaluation(tasks: int = 40, scenes: int = 4, seed: int = 0) -> list[RolloutRow]:
    """Rollouts of all methods on the same scenes."""
    rng = np.random.default_rng(seed)
    rows = []
    for task in range(tasks):
        for pair in range(scenes):
            won = {name: bool(rng.random() < p) for name, p in SUCCESS.items()}
            for name, success in won.items():
                trial = name in WITH_TRIAL
                rows.append(
                    row(
                        name,
                        task,
                        pair,
                        success,
                        wrong_target=not success and bool(rng.random() < 0.5),
                        trial_ids=(f"mil-{task}-{pair}",) if trial else (),
                        trial_success=won["mil"] if trial else None,
                    )
                )
    return rows


def episode(moved: int = 0) -> np.ndarray:
    """A gripper flies to an object, or presses a button, and the object follows."""
    rng = np.random.default_rng(0)
    states = np.zeros((STEPS, LAYOUT.state_size), np.float32)
    rows = LAYOUT.split(states)
    gripper = observation.slices(observation.GRIPPER)
    thing = observation.slices(observation.OBJECT)
    button = observation.slices(observation.BUTTON)
    fixtures = observation.slices(observation.FIXTURES)
    time = np.linspace(0, 1, STEPS)
    rows["gripper"][:, gripper["position"]] = np.stack(
        [0.2 * time, 0.1 * time, 0.1 * np.ones(STEPS)], axis=1
    )
    rows["gripper"][:, gripper["sin_cos_yaw"]] = (0, 1)
    rows["gripper"][:, gripper["gap"]] = 0.05
    for i in range(3):
        rows["objects"][:, i, thing["position"]] = (0.2 * (i - 1), 0, 0.02)
        rows["objects"][:, i, thing["sin_cos_yaw"]] = (0, 1)
        rows["objects"][:, i, thing["half_sizes"]] = 0.02
        rows["objects"][:, i, thing["rgb"]] = rng.random(3)
        rows["objects"][:, i, thing["is_box"]] = i % 2
        rows["buttons"][:, i, button["position"]] = (0.16 * (i - 1), -0.22, 0.02)
        rows["buttons"][:, i, button["rgb"]] = rng.random(3)
    rows["fixtures"][:, fixtures["anchor"]] = (0.1, 0.15, 0.02)
    rows["fixtures"][:, fixtures["goal"]] = 0.45
    if moved < 3:
        rows["objects"][:, moved, 1] += 0.3 * time
        rows["objects"][:, moved, 2] += 0.1 * time
    else:
        rows["buttons"][:, moved - 3, button["travel"]] = 0.016 * time[:, None]
    return states


def camera_video(gaze: bool = True) -> CameraVideo:
    """A red thing moves over a grey table, and a network looks at it."""
    rng = np.random.default_rng(0)
    image = np.full((STEPS, 32, 32, 3), 150, np.uint8)
    image += rng.integers(0, 8, image.shape[1:], np.uint8)
    way = np.linspace(-0.8, 0.8, STEPS)
    point = np.zeros((STEPS, 6, 2))
    point[:, :, 0] = np.linspace(-0.9, 0.9, 6)
    point[:, 1] = np.stack([way, -way], axis=1)
    heat = np.full((STEPS, 8, 8), 1e-3)
    for time, (x, y) in enumerate(np.round(15.5 + 15.5 * point[:, 1]).astype(int)):
        image[time, max(y - 3, 0) : y + 3, max(x - 3, 0) : x + 3] = (200, 30, 30)
        heat[time, y // 4, x // 4] = 1
    looked = Gaze(point, heat, selected=1) if gaze else None
    return CameraVideo(image, point[:, 1], looked)


def strip(demo=None, trial=None, retrial=None, **changes) -> Strip:
    """A strip whose trial took the wrong one.

    Args:
      demo: what shall differ in the recording of the demonstration.
      trial: likewise of the trial.
      retrial: likewise of the retrial.
      **changes: what shall differ in the strip.
    """
    values = {
        "instruction": "Push the leftmost object across the line.",
        "family": "push",
        "task_id": "test-00000-push-0",
        "layout": LAYOUT,
        "demo": Recording(**{"states": episode(0), "target": 0} | (demo or {})),
        "trial": Recording(
            **{"states": episode(1), "target": 0, "success": False} | (trial or {})
        ),
        "retrial": Recording(
            **{"states": episode(0), "target": 0, "success": True} | (retrial or {})
        ),
    }
    return Strip(**values | changes)
