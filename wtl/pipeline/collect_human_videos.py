"""A stage beside the first: videos of a human who does what the robot did."""

from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.storage.staging import StagingWriter
from wtl.pipeline import demonstrations
from wtl.pipeline.run import Run, newest

NAME = fields.WTL_HUMAN_VIDEOS


def collect_human_videos(
    run: Run,
    scenes_per_task: int = 0,
    held_out_scenes: int = 4,
    min_success: float = 0.9,
):
    """Collects `wtl_human_videos`, of a simulated human.

    The scenes and targets are those of the robot's demonstrations; body, timing, view,
    table and light are others. Without scenes there is nothing to do.

    Args:
      run: the run.
      scenes_per_task: scenes of each training task, the first of the robot's.
      held_out_scenes: videos of each validation and test task.
      min_success: share of videos of each family that must succeed.

    Raises:
      UserError: if there are more scenes than the robot has, or the human fails more
        often than that.
    """
    if not scenes_per_task:
        return
    run.require_capability("can_be_seen", "collect_human_videos")
    if scenes_per_task > run.suite.scenes_per_task:
        raise UserError(
            f"collect_human_videos.scenes_per_task is {scenes_per_task}, but the "
            f"robot demonstrates in {run.suite.scenes_per_task} scenes "
            "(suite.scenes_per_task)"
        )
    parameters = {
        "scenes_per_task": scenes_per_task,
        "held_out_scenes": held_out_scenes,
    }

    def work(key: str) -> dict[str, str]:
        wanted = demonstrations.video_requests(run, scenes_per_task, held_out_scenes)
        with StagingWriter(run.staging(NAME, key), run.spec_of(NAME)) as writer:
            demonstrations.demonstrate(run, wanted, writer, min_success)
        return {NAME: run.publish(NAME, key, {"stage": "collect_human_videos"})}

    run.do(
        "collect_human_videos",
        parameters,
        {},
        {NAME: lambda: run.collected_fingerprint(NAME)},
        work,
        newest(NAME),
    )
