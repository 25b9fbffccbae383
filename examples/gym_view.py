"""Play a world as a Gymnasium environment: gym_view.py [WORLD]."""

import sys

import wtl

if __name__ == "__main__":
    env = wtl.make_gym_env(*sys.argv[1:], task=3)
    env.action_space.seed(0)
    for seed in range(3):
        observation, info = env.reset(seed=seed)
        ended = cut_off = False
        while not (ended or cut_off):
            action = env.action_space.sample()
            observation, reward, ended, cut_off, info = env.step(action)
        print(f"scene {seed}: {'success' if info['success'] else 'failure'}")
