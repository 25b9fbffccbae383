"""Record a Gymnasium loop of one's own into a dataset: record.py FOLDER."""

import sys

import gymnasium
import numpy as np

import wtl

if __name__ == "__main__":
    env = gymnasium.make("Pendulum-v1", max_episode_steps=50)
    with wtl.record(
        env,
        sys.argv[1],
        task_id="upright",
        family="swing_up",
        instruction="Swing the pendulum up.",
        demonstrator="bang-bang",
        control_hz=20.0,
        success=lambda: np.cos(env.unwrapped.state[0]) > 0.9,
    ) as recorded:
        for seed in range(4):
            (_, _, speed), _ = recorded.reset(seed=seed)
            ended = cut_off = False
            while not (ended or cut_off):
                # Along the motion it gains height.
                action = np.array([2.0 if speed >= 0 else -2.0], np.float32)
                (_, _, speed), _, ended, cut_off, _ = recorded.step(action)
    for episode in wtl.load_dataset(sys.argv[1]):
        print(episode.id, episode.metadata["success"])
