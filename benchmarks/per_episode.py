"""Costs of an episode on this machine, and of a plan of many: docs/scaling.md.

    nice -n 10 python -m benchmarks.per_episode [--tasks=1e6 --steps=1e9]

Times are processor times on one core of this machine, since other work may run in
parallel. Each kind is measured in its own process: rendering and TensorFlow do not work
together in one.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

from benchmarks import runner
from wtl import notices

_STEPS_PER_EPISODE = 40
_MANY = 600
_WARM_UP, _TRAINING_STEPS = 10, 30


def _seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return processor seconds of a call, and its result."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def demonstrations(tasks: int, pixels: int, human: bool) -> dict[str, float]:
    """Measure demonstrations: seconds and bytes of each."""
    from benchmarks.demonstrations import SIZE, requests, shards
    from wtl.collection.worlds.entities.embodiment import Embodiment
    from wtl.collection.worlds.entities.episode_spec import episode_spec
    from wtl.datasets.contract.camera import CameraConfig
    from wtl.datasets.storage import staging

    body = Embodiment.HUMAN if human else Embodiment.ROBOT
    camera = CameraConfig(pixels)
    planned = shards(requests(tasks, human), camera, noise=0.0 if human else 0.15)
    spec = episode_spec(SIZE, camera, body)
    planned[0].play()
    seconds, played = _seconds(lambda: [e for shard in planned for e in shard.play()])
    size = sum(len(staging.encoded(episode, spec)) for episode in played)
    return {"seconds": seconds / len(played), "bytes": size / len(played)}


def learning(tasks: int) -> dict[str, float]:
    """Measure staging, publishing and reading, training, and trials."""
    notices.quiet()
    with notices.Dropped():
        from benchmarks import reading
        from benchmarks.learner import Training
        from benchmarks.workload import workload
        from wtl.datasets.reading import reader

    with workload(tasks) as work:
        # Many, so that costs per dataset hardly count per episode.
        many = list(reading.synthetic(_MANY))
        handling, _ = _seconds(
            lambda: reader.read(reading.publish(work.root / "many", many))
        )
        demos = reader.read(work.actor.demos_dir)
        training, shard = Training(work, "mil"), work.trials()
        for _ in range(_WARM_UP):
            training.step()
        steps, _ = _seconds(lambda: [training.step() for _ in range(_TRAINING_STEPS)])
        shard.play()  # loads the policy
        trials, played = _seconds(shard.play)
        return {
            "handling": handling / _MANY,
            "memory": demos.state.nbytes / len(demos),
            "batch": training.config.batch_size,
            "step": steps / _TRAINING_STEPS,
            "trial": trials / len(played),
        }


def main():
    """Print the costs, and the plan computed from them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default, meaning in (
        ("sample", 10, "measured tasks, six episodes each"),
        ("pixels", 64, "height and width of images"),
        ("tasks", 1e6, "tasks of the plan"),
        ("steps", 1e9, "control steps of the plan"),
        ("demonstrations", 9.0, "demonstrations per task"),
        ("core_hour", 0.04, "price of a core-hour"),
        ("gigabyte_month", 0.02, "price of a gigabyte for a month"),
    ):
        parser.add_argument(
            f"--{name}", type=type(default), default=default, help=meaning
        )
    options = parser.parse_args()
    notices.quiet()
    side, measured = options.pixels, []
    print("| per episode | core-seconds | bytes |\n|---|--:|--:|", flush=True)
    for label, pixels, human in (
        ("demonstration, state", 0, False),
        (f"demonstration, {side} × {side} images", side, False),
        (f"video of a human, {side} × {side}", side, True),
    ):
        found = runner.alone(demonstrations, options.sample, pixels, human)
        measured.append(found)
        print(f"| {label} | {found['seconds']:.3f} | {found['bytes']:,.0f} |")
    state, seen, _ = measured
    learnt = runner.alone(learning, options.sample)
    trial, handling = learnt["trial"], learnt["handling"]
    print(
        f"| trial, state | {trial:.3f} | {state['bytes']:,.0f} |\n"
        f"| staging, publishing, reading | {handling:.5f} | "
        f"{learnt['memory']:,.0f} in memory |\n\n"
        f"A training step of {learnt['batch']} examples: {learnt['step']:.3f} "
        "core-seconds.\n\n"
        "| plan | episodes | core-hours | cost | terabytes | cost a month |\n"
        "|---|--:|--:|--:|--:|--:|"
    )
    episodes = options.steps / _STEPS_PER_EPISODE
    demos = min(options.tasks * options.demonstrations, episodes)
    for label, kind in (("state", state), ("images", seen)):
        rendering = kind["seconds"] - state["seconds"]
        hours = (
            demos * kind["seconds"]
            + (episodes - demos) * (trial + rendering)
            + episodes * handling
        ) / 3600
        total = episodes * kind["bytes"]
        print(
            f"| {label} | {episodes:.3g} | {hours:,.0f} "
            f"| {hours * options.core_hour:,.0f} | {total / 1e12:,.2f} "
            f"| {total / 1e9 * options.gigabyte_month:,.0f} |"
        )


if __name__ == "__main__":
    main()
