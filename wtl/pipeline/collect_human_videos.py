"""Optional stage: videos of a simulated human who does what the robot demonstrated."""

from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.limits import Count, Natural, Share
from wtl.datasets.storage.staging import StagingWriter
from wtl.pipeline import demonstrations, episodes
from wtl.pipeline.run import Run

NAME = fields.WTL_HUMAN_VIDEOS


def collect_human_videos(
    run: Run,
    scenes_per_task: Natural = 0,
    held_out_scenes: Count = 4,
    min_success: Share = 0.9,
):
    """Collect `wtl_human_videos`, of a simulated human.

    Scenes and targets are those of the robot's demonstrations; body, timing, viewpoint,
    table and light differ. Without scenes the stage does nothing.

    Args:
      run: the run.
      scenes_per_task: scenes of each training task, the first of the robot's.
      held_out_scenes: videos of each validation and test task.
      min_success: share of videos of each family that must succeed.

    Raises:
      UserError: if there are more scenes than the robot has, or the simulated human
        fails more often than `min_success` allows.
    """
    if not scenes_per_task:
        return
    run.require_capability("human_videos", "collect_human_videos")
    if scenes_per_task > run.suite.scenes_per_task:
        raise UserError(
            f"collect_human_videos.scenes_per_task is {scenes_per_task}, but the "
            f"robot demonstrates in {run.suite.scenes_per_task} scenes "
            "(suite.scenes_per_task)"
        )
    scenes = {"scenes_per_task": scenes_per_task, "held_out_scenes": held_out_scenes}

    def requests():
        return demonstrations.requests(run, dataset=NAME, **scenes)

    def stage(writer: StagingWriter):
        wanted = requests()
        demonstrations.demonstrate(run, wanted, writer, min_success)

    episodes.collect(run, NAME, scenes, {}, stage, units=lambda: len(requests()))
