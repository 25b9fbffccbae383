"""Workload of benchmarks: demonstrations, an untrained policy, and its trials."""

import contextlib
import dataclasses
import pathlib
import tempfile
from collections.abc import Iterator

from benchmarks.demonstrations import PER_TASK, SIZE, requests, shards, suite
from wtl.collection import vector_environment
from wtl.collection.episode_request import EpisodeRequest, EpisodeShard
from wtl.collection.policy_actor import PolicyActorSpec
from wtl.collection.worlds.entities.episode_spec import episode_spec
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
      actor: the policy, given demonstrations.
    """

    root: pathlib.Path
    requests: list[EpisodeRequest]
    actor: PolicyActorSpec

    def trials(self, count: int | None = None) -> EpisodeShard:
        """Return a trial after each demonstration, in the other scene of its task."""
        known = reader.read(self.actor.demos_dir).index_by_id
        made = []
        for i, request in enumerate(self.requests):
            if request.episode_id not in known:  # the expert failed
                continue
            other = (i + PER_TASK // 2) % PER_TASK
            scene = self.requests[i - i % PER_TASK + other].scene
            name = episode.episode_id(
                fields.WTL_TRIALS, scene.task.task_id, fields.ROLE_TRIAL, other, i
            )
            demo_ids = (request.episode_id,)
            made.append(
                EpisodeRequest(scene, name, fields.ROLE_TRIAL, i, demo_ids=demo_ids)
            )
        return EpisodeShard(self.actor, tuple(made[:count]))

    def publish_trials(self) -> pathlib.Path:
        """Play and publish all trials; return the folder of the version."""
        spec = episode_spec(SIZE)
        with new_version.new_version(self.root, fields.WTL_TRIALS, spec) as version:
            version.writer.append(self.trials().play())
            return version.publish("Trials.", {})


@contextlib.contextmanager
def workload(tasks: int) -> Iterator[Workload]:
    """Make a workload in a temporary folder; the policy is an untrained `mil`."""
    with tempfile.TemporaryDirectory() as folder:
        root, wanted = pathlib.Path(folder), requests(tasks)
        spec = episode_spec(SIZE)
        with new_version.new_version(root, fields.WTL_DEMOS, spec) as version:
            for episodes in vector_environment.play_shards(shards(wanted), workers=2):
                version.writer.append(episodes)
            demos = version.publish("Demonstrations.", {})
        tf_keras.utils.set_random_seed(0)
        config, kind = config_for("mil", suite(tasks)), METHODS["mil"].kind
        policy = kind.policy(kind.network(config))
        export.build(policy)
        export.save(policy, root / "policy")
        actor = PolicyActorSpec(config, root / "policy", fields.SPLIT_TRAIN, demos)
        yield Workload(root, wanted, actor)
