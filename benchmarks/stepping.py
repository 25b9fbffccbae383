"""Step one environment on request; run by `benchmarks.peers`.

The same script runs in the interpreter of each environment, so it imports nothing but
that. A line on standard input asks for core-seconds; the answer is the simulated time
and the processor time of the steps. Resets and the choice of actions are not timed.
"""

import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np

# Endless control steps, each made by calling it.
Steps = Iterator[Callable[[], object]]


def wtl() -> tuple[float, Steps]:
    """Replay demonstrations of two families in turns."""
    from benchmarks.env_step import replays
    from wtl.collection.worlds.tabletop import world as worlds

    played = replays(("press", "stack"))

    def steps() -> Steps:
        for replay in itertools.cycle(played):
            replay.reset()
            for action in replay.actions:
                yield lambda env=replay.env, action=action: env.step(action)

    return 1 / worlds.CONTROL_HZ, steps()


def robosuite() -> tuple[float, Steps]:
    """Play small random actions: there is no scripted expert."""
    import robosuite as suite

    env = suite.make(
        "Stack",
        robots="Panda",
        has_renderer=False,
        has_offscreen_renderer=False,
        use_camera_obs=False,
        use_object_obs=True,
        control_freq=20,
        horizon=100,
        hard_reset=False,
    )

    def steps() -> Steps:
        low, high = env.action_spec
        rng = np.random.default_rng(0)
        while True:
            env.reset()
            for action in rng.uniform(low, high, (env.horizon, len(low))) / 10:
                yield lambda action=action: env.step(action)

    return 1 / env.control_freq, steps()


def metaworld() -> tuple[float, Steps]:
    """Replay a demonstration of its own scripted policy."""
    import metaworld
    from metaworld.policies import SawyerPushV3Policy

    def steps() -> Steps:
        while True:
            env.reset()
            for action in actions:
                yield lambda action=action: env.step(action)

    benchmark = metaworld.MT1("push-v3", seed=0)
    env = benchmark.train_classes["push-v3"]()
    env.set_task(benchmark.train_tasks[0])
    policy = SawyerPushV3Policy()
    observed, _ = env.reset()
    actions, succeeded = [], False
    while not succeeded:
        actions.append(np.clip(policy.get_action(observed), -1, 1))
        observed, *_, info = env.step(actions[-1])
        succeeded = bool(info["success"])
    return env.dt, steps()


ENVIRONMENTS = {each.__name__: each for each in (wtl, robosuite, metaworld)}


def main():
    """Answer requests for the environment that the command line names."""
    # Libraries print to standard output too.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    period, steps = ENVIRONMENTS[sys.argv[1]]()
    print("ready", file=answers)
    for line in sys.stdin:
        simulated = used = 0.0
        while used < float(line):
            step = next(steps)
            start = time.process_time()
            step()
            used += time.process_time() - start
            simulated += period
        print(simulated, used, file=answers)


if __name__ == "__main__":
    main()
