"""Workload of benchmarks: demonstrations, an untrained policy, and its trials."""

import contextlib
import dataclasses
import pathlib
import tempfile
from collections.abc import Iterator

from benchmarks.demonstrations import PER_TASK, SIZE, requests, suite
from wtl.collection import recorder, trial, vector_environment
from wtl.collection.demonstration import DemonstrationRequest
from wtl.datasets.contract import episode, fields
from wtl.datasets.reading import reader
from wtl.datasets.storage import new_version
from wtl.policies import export
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.methods import METHODS
from wtl.training.policy_config import config_for


@dataclasses.dataclass(frozen=True)
class Workload:
    """Published demonstrations, and a policy that plays trials after them.

    Attributes:
      root: temporary folder.
      requests: of the demonstrations.
      source: the policy and the demonstrations.
    """

    root: pathlib.Path
    requests: list[DemonstrationRequest]
    source: trial.TrialSource

    @property
    def demos_dir(self) -> pathlib.Path:
        """Version folder of the demonstrations."""
        return self.source.demos_dir

    def trials(self, count: int | None = None) -> trial.TrialShard:
        """Return a trial after each demonstration, in the other scene of its task."""
        demos = reader.read(self.demos_dir)
        made = []
        for i, request in enumerate(self.requests):
            row = demos.index_by_id.get(request.episode_id)
            if row is None:  # the expert failed
                continue
            scene = (i + PER_TASK // 2) % PER_TASK
            setup = self.requests[i - i % PER_TASK + scene].setup
            name = episode.episode_id(
                fields.WTL_TRIALS, setup.task.task_id, "trial", scene, i
            )
            made.append(trial.Trial(row, setup, name, seed=i, greedy=True, index=0))
        return trial.TrialShard(self.source, tuple(made[:count]))

    def publish_trials(self) -> pathlib.Path:
        """Play and publish all trials; return the folder of the version."""
        spec = recorder.episode_spec(SIZE)
        with new_version.new_version(self.root, fields.WTL_TRIALS, spec) as version:
            version.writer.append(self.trials().play())
            return version.publish("Trials.", {})


@contextlib.contextmanager
def workload(tasks: int) -> Iterator[Workload]:
    """Make a workload in a temporary folder; the policy is an untrained `mil`."""
    with tempfile.TemporaryDirectory() as folder:
        root, wanted = pathlib.Path(folder), requests(tasks)
        spec = recorder.episode_spec(SIZE)
        with new_version.new_version(root, fields.WTL_DEMOS, spec) as version:
            for batch in vector_environment.demonstrate_all(wanted, workers=2):
                version.writer.append([played for played, _ in batch if played])
            demos = version.publish("Demonstrations.", {})
        tf_keras.utils.set_random_seed(0)
        config = config_for("mil", suite(tasks))
        kind = METHODS["mil"].kind
        policy = kind.policy(kind.network(config))
        export.build(policy)
        export.save(policy, root / "policy")
        source = trial.TrialSource(config, root / "policy", demos)
        yield Workload(root, wanted, source)
