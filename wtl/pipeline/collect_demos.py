"""Stage 1: demonstrations of training, validation and test tasks."""

from wtl.datasets.contract import fields
from wtl.datasets.contract.limits import Count, NotNegative, Share
from wtl.datasets.storage.staging import StagingWriter
from wtl.pipeline import demonstrations, episodes, teleoperated
from wtl.pipeline.run import Run


def collect_demos(
    run: Run,
    noise: NotNegative = 0.15,
    held_out_scenes: Count = 4,
    min_success: Share = 0.9,
    teleop: bool = False,
):
    """Collect `wtl_demos`.

    Args:
      run: the run.
      noise: standard deviation of the noise on executed actions.
      held_out_scenes: demonstrations of each validation and test task.
      min_success: share of demonstrations of each family that must succeed.
      teleop: whether demonstrations kept by `wtl teleop` in this run are used; the
        scripted expert, if the world has one, gives the others.

    Raises:
      UserError: if the scripted expert fails more often than `min_success` allows.
    """
    if not teleop:
        run.require_capability("expert", "collect_demos")
    inputs = {"teleop": teleoperated.fingerprint(run)} if teleop else {}

    def stage(writer: StagingWriter):
        wanted = demonstrations.requests(run, held_out_scenes)
        if teleop:
            names = {request.episode_id for request in wanted}
            kept = [e for e in teleoperated.saved(run) if e.id in names]
            writer.append(kept)
            print(f"{len(kept)} of {len(names)} demonstrations are teleoperated")
        if run.suite.world.expert:
            demonstrations.demonstrate(run, wanted, writer, min_success, noise)

    episodes.collect(
        run,
        fields.WTL_DEMOS,
        {"noise": noise, "held_out_scenes": held_out_scenes},
        inputs,
        stage,
        {"noise": noise} | inputs,
        by_hand=teleop,
    )
