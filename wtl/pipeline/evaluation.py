"""What an evaluation plays, as a value that any process can be given."""

import dataclasses

from wtl.pipeline import run_folder
from wtl.pipeline.run import Run


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What is played.

    Attributes:
      run: whose policies play.
      key: names where the episodes wait.
      split: of the tasks.
      scenes_per_task: pairs of a demonstration and a scene, of each task.
      demos_shown: K, demonstrations shown to each policy.
      human: whether somebody is shown videos of humans.
    """

    run: Run
    key: str
    split: str
    scenes_per_task: int
    demos_shown: int
    human: bool

    @property
    def anywhere(self) -> "Evaluation":
        """The same for any process, on whichever machine has the folder."""
        folder = run_folder.RunFolder(self.run.folder.path.absolute())
        run = dataclasses.replace(self.run, folder=folder, donors=(), beam=None)
        return dataclasses.replace(self, run=run)
