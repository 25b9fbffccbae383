"""Stage 1: demonstrations of training, validation and test tasks."""

from wtl.datasets.contract import fields
from wtl.datasets.storage.staging import StagingWriter
from wtl.pipeline import demonstrations, teleoperated
from wtl.pipeline.run import Run, newest

NAME = fields.WTL_DEMOS


def collect_demos(
    run: Run,
    noise: float = 0.15,
    held_out_scenes: int = 4,
    min_success: float = 0.9,
    teleop: bool = False,
):
    """Collects `wtl_demos`.

    Args:
      run: the run.
      noise: standard deviation of the noise on executed actions.
      held_out_scenes: demonstrations of each validation and test task.
      min_success: share of demonstrations of each family that must succeed.
      teleop: takes the demonstrations that `wtl teleop` has kept in this run; what
        nobody has demonstrated is scripted.

    Raises:
      UserError: if the demonstrators fail more often than that.
    """
    inputs = {"teleop": teleoperated.fingerprint(run)} if teleop else {}
    spec = run.spec_of(NAME, by_hand=teleop)

    def work(key: str) -> dict[str, str]:
        wanted = demonstrations.requests(run, held_out_scenes)
        with StagingWriter(run.staging(NAME, key), spec) as writer:
            if teleop:
                _adopt(run, wanted, writer)
            demonstrations.demonstrate(run, wanted, writer, min_success, noise)
        account = {"stage": "collect_demos", "noise": noise} | inputs
        return {NAME: run.publish(NAME, key, account, spec)}

    run.do(
        "collect_demos",
        {"noise": noise, "held_out_scenes": held_out_scenes},
        inputs,
        {NAME: lambda: run.collected_fingerprint(NAME)},
        work,
        newest(NAME),
    )


def _adopt(run: Run, wanted, writer: StagingWriter):
    """Stages what people have demonstrated."""
    names = {request.episode_id for request in wanted}
    kept = [episode for episode in teleoperated.saved(run) if episode.id in names]
    writer.append(kept)
    print(f"{len(kept)} of {len(names)} demonstrations are teleoperated")
