"""Costs of an episode on this machine, and of a plan of many: docs/scaling.md.

    nice -n 10 python -m benchmarks.per_episode [--tasks=1e6 --steps=1e9]

Times are processor times on one core of this machine, since other work may run in
parallel. Each kind is measured in its own process: rendering and TensorFlow do not work
together in one.
"""

import argparse
import dataclasses
import multiprocessing
import pathlib
import tempfile
import time

from wtl import notices

_STEPS_PER_EPISODE = 40
_COPIES = 20
_WARM_UP, _TRAINING_STEPS = 10, 30
_TRAIN_BATCH = 128


def demonstrations(
    tasks: int, pixels: int, human: bool, folder: pathlib.Path
) -> dict[str, float]:
    """Measure demonstrations and their staging in `folder`."""
    from benchmarks.demonstrations import requests, shards
    from wtl.collection.worlds.entities.embodiment import Embodiment
    from wtl.collection.worlds.entities.episode_spec import episode_spec
    from wtl.datasets.contract.camera import CameraConfig
    from wtl.datasets.storage import staging

    body = Embodiment.HUMAN if human else Embodiment.ROBOT
    camera = CameraConfig(pixels)
    planned = shards(requests(tasks, human), camera, noise=0.0 if human else 0.15)
    spec = episode_spec(3, camera, body)
    planned[0].play()
    start = time.process_time()
    played = [episode for shard in planned for episode in shard.play()]
    seconds = time.process_time() - start
    payloads = [staging.encoded(episode, spec) for episode in played]
    with staging.StagingWriter(folder, spec) as writer:
        writer.append(played)
    return {
        "seconds": seconds / len(played),
        "bytes": sum(map(len, payloads)) / len(played),
        "episodes": len(played),
    }


def learning(staged: pathlib.Path) -> dict[str, float]:
    """Measure publishing, reading, training on staged demonstrations, and trials."""
    notices.quiet()
    with notices.Dropped():
        from benchmarks.demonstrations import requests, suite
        from wtl.collection.episode_request import EpisodeRequest, EpisodeShard
        from wtl.collection.policy_actor import PolicyActorSpec
        from wtl.collection.worlds.entities.relabel import EntityRelabeller
        from wtl.datasets.contract import episode, fields
        from wtl.datasets.reading import reader
        from wtl.datasets.sampling.sampler import Sampler
        from wtl.datasets.storage import publish, staging
        from wtl.policies import export
        from wtl.policies.methods import METHODS
        from wtl.training import examples, trainer
        from wtl.training.policy_config import config_for
        from wtl.training.train_config import TrainConfig

    folder, found = staged.parent, {}
    spec = staging.read_spec(staged)
    # Copies, so that costs per dataset hardly count per episode.
    copies = [
        dataclasses.replace(
            e,
            metadata=e.metadata
            | {
                fields.EPISODE_ID: episode.episode_id(
                    fields.WTL_DEMOS, e.metadata[fields.TASK_ID], "demo", i, row
                )
            },
        )
        for row, e in enumerate(staging.iterate_staged(staged))
        for i in range(_COPIES)
    ]
    start = time.process_time()
    with staging.StagingWriter(folder / "copies", spec) as writer:
        writer.append(copies)
    many = publish.publish(folder / "copies", folder, "copies", "1.0.0", spec, {})
    reader.read(many)
    found["handling_seconds"] = (time.process_time() - start) / len(copies)
    version = publish.publish(staged, folder, fields.WTL_DEMOS, "1.0.0", spec, {})
    demos = reader.read(version, "train")
    found["memory_bytes"] = demos.state.nbytes / len(demos)
    method = METHODS["mil"]
    config = config_for("mil", suite(20))
    network = method.kind.network(config)
    clock = []
    training = TrainConfig(steps=_WARM_UP + _TRAINING_STEPS, batch_size=_TRAIN_BATCH)
    trainer.train(
        network,
        method.kind.loss,
        examples.ExampleSource(
            demos,
            demos,
            None,
            Sampler(
                demos,
                EntityRelabeller(demos, config.layout, identity_share=0.6),
            ),
            config,
            training.window,
        ),
        training,
        seed=0,
        checkpoint_dir=folder / "checkpoints",
        log_dir=folder / "logs",
        on_step=lambda *_: clock.append(time.process_time()),
    )
    # Without the last step, which writes a checkpoint.
    found["training_step_seconds"] = (clock[-2] - clock[_WARM_UP]) / (
        len(clock) - 2 - _WARM_UP
    )
    export.save(method.kind.policy(network), folder / "saved_model")
    ids = demos[fields.EPISODE_ID].tolist()
    shard = EpisodeShard(
        PolicyActorSpec(config, folder / "saved_model", fields.SPLIT_TRAIN, version),
        tuple(
            EpisodeRequest(
                request.scene,
                request.episode_id,
                fields.ROLE_TRIAL,
                demo_ids=(ids[i % len(ids)],),
            )
            for i, request in enumerate(requests(20))
        ),
    )
    shard.play()  # loads the policy
    start = time.process_time()
    played = shard.play()
    found["trial_seconds"] = (time.process_time() - start) / len(played)
    return found


def _alone(function, *arguments):
    """Call a function in its own process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


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
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        print("| per episode | core-seconds | bytes |\n|---|--:|--:|", flush=True)
        side, measured = options.pixels, []
        for kind, (label, pixels, human) in enumerate(
            (
                ("demonstration, state", 0, False),
                (f"demonstration, {side} × {side} images", side, False),
                (f"video of a human, {side} × {side}", side, True),
            )
        ):
            staged = folder / str(kind) / "staged"
            found = _alone(demonstrations, options.sample, pixels, human, staged)
            measured.append(found)
            print(
                f"| {label} | {found['seconds']:.3f} | {found['bytes']:,.0f} |",
                flush=True,
            )
        state, seen, _ = measured
        learnt = _alone(learning, folder / "0" / "staged")
    trial, handling = learnt["trial_seconds"], learnt["handling_seconds"]
    print(f"| trial, state | {trial:.3f} | {state['bytes']:,.0f} |")
    memory = learnt["memory_bytes"]
    print(
        f"| staging, publishing, reading | {handling:.5f} | {memory:,.0f} in memory |"
    )
    print(
        f"\nA training step of {_TRAIN_BATCH} examples: "
        f"{learnt['training_step_seconds']:.3f} core-seconds.\n"
    )
    episodes = options.steps / _STEPS_PER_EPISODE
    demos = min(options.tasks * options.demonstrations, episodes)
    trials = episodes - demos
    print("| plan | episodes | core-hours | cost | terabytes | cost a month |")
    print("|---|--:|--:|--:|--:|--:|")
    rendering = seen["seconds"] - state["seconds"]
    for label, extra, size in (
        ("state", 0.0, state["bytes"]),
        ("images", rendering, seen["bytes"]),
    ):
        hours = (
            demos * (state["seconds"] + extra)
            + trials * (trial + extra)
            + episodes * handling
        ) / 3600
        total = episodes * size
        print(
            f"| {label} | {episodes:.3g} | {hours:,.0f} "
            f"| {hours * options.core_hour:,.0f} | {total / 1e12:,.2f} "
            f"| {total / 1e9 * options.gigabyte_month:,.0f} |"
        )


if __name__ == "__main__":
    main()
