"""Stage 1: demonstrations of training, validation and test tasks."""

from wtl.collection.scripted_expert import CLEAN, RECORDED
from wtl.datasets.contract import fields
from wtl.datasets.contract.limits import Count, NotNegative, Share
from wtl.datasets.storage.staging import StagingWriter
from wtl.pipeline import choices, demonstrations, episodes, teleoperated
from wtl.pipeline.run import Run


def collect_demos(
    run: Run,
    noise: NotNegative = 0.15,
    held_out_scenes: Count = 4,
    min_success: Share = 0.9,
    teleop: bool = False,
    recorded: str = CLEAN,
):
    """Collect `wtl_demos`.

    Args:
      run: the run.
      noise: standard deviation of the noise on executed actions.
      held_out_scenes: demonstrations of each validation and test task.
      min_success: share of demonstrations of each family that must succeed.
      teleop: whether demonstrations kept by `wtl teleop` in this run are used; the
        scripted expert, if the world has one, gives the others.
      recorded: `clean` records the expert's action without the noise that is executed
        with it; `executed` records the action that is executed.

    Raises:
      UserError: if `recorded` is neither, or the scripted expert fails more often than
        `min_success` allows.
    """
    choices.check("collect_demos.recorded", [recorded], RECORDED)
    if not teleop:
        run.require_capability("expert", "collect_demos")
    inputs = {"teleop": teleoperated.fingerprint(run)} if teleop else {}
    made_by = {"noise": noise}
    if recorded != CLEAN:  # named only then: keys of earlier runs stay
        made_by["recorded"] = recorded

    def requests():
        return demonstrations.requests(run, held_out_scenes)

    def stage(writer: StagingWriter):
        wanted = requests()
        if teleop:
            names = {request.episode_id for request in wanted}
            kept = [e for e in teleoperated.saved(run) if e.id in names]
            writer.append(kept)
            print(f"{len(kept)} of {len(names)} demonstrations are teleoperated")
        if run.suite.world.expert:
            demonstrations.demonstrate(
                run, wanted, writer, min_success, noise, recorded
            )

    episodes.collect(
        run,
        fields.WTL_DEMOS,
        made_by | {"held_out_scenes": held_out_scenes},
        inputs,
        stage,
        made_by | inputs,
        by_hand=teleop,
        units=lambda: len(requests()),
    )
