"""Requests for episodes, and shards of them that are played together."""

import dataclasses
import hashlib
import sys
from typing import Protocol

from wtl.collection import vector_environment
from wtl.collection.worlds import registry
from wtl.collection.worlds.world import Scene
from wtl.datasets.contract.camera import NO_CAMERA, CameraConfig
from wtl.datasets.contract.episode import Episode


@dataclasses.dataclass(frozen=True)
class EpisodeRequest:
    """Request for one episode.

    Attributes:
      scene: scene config: task, scene seed, target and body.
      episode_id: id of the episode.
      role: one of `fields.ROLES`.
      seed: of the actor's noise.
      choice_seed: seed of the Gumbel noise on the choices of a policy made once per
        episode; None takes the likeliest.
      passed_over: number of likelier targets that a policy does not choose.
      demo_ids: ids of the demonstrations that a policy is given, in order.
      trial_ids: ids of the trials that a policy is given, in order.
      trial_success: success given with each trial; empty gives it as stored.
      trial_index: number of trials before this episode.
      rule: hidden rule of the task as text; empty where training draws it.
    """

    scene: Scene
    episode_id: str
    role: str
    seed: int = 0
    choice_seed: int | None = None
    passed_over: int = 0
    demo_ids: tuple[str, ...] = ()
    trial_ids: tuple[str, ...] = ()
    trial_success: tuple[bool, ...] = ()
    trial_index: int = 0
    rule: str = ""


class ActorSpec(Protocol):
    """Picklable description of an actor, see `scripted_expert` and `policy_actor`.

    Attributes:
      privileged: whether the actor reads the physics of environments in its process.
    """

    privileged: bool

    def play(
        self,
        environments: vector_environment.VectorEnvironment,
        requests: tuple[EpisodeRequest, ...],
    ) -> list[Episode]:
        """Play requests with the loop of `episode_loop`; return the successes."""


@dataclasses.dataclass(frozen=True)
class EpisodeShard:
    """Episodes that are played together by one actor, in any process.

    The episodes are a pure function of the shard: playing it twice, elsewhere or after
    a failure does no harm. Rounding depends on the number of episodes in a batch, so a
    shard is always played whole.

    Attributes:
      actor: plays all of them.
      requests: the episodes.
      camera: of the environments.
    """

    actor: ActorSpec
    requests: tuple[EpisodeRequest, ...]
    camera: CameraConfig = NO_CAMERA

    @property
    def episode_ids(self) -> tuple[str, ...]:
        """Ids of the episodes; failed experts leave some of them out."""
        return tuple(request.episode_id for request in self.requests)

    @property
    def name(self) -> str:
        """Name that no other shard of a dataset has."""
        return hashlib.sha256("\n".join(self.episode_ids).encode()).hexdigest()[:16]

    def play(self) -> list[Episode]:
        """Play the episodes in this process."""
        no_tensorflow = "tensorflow" not in sys.modules
        domain = self.requests[0].scene.task.domain
        renders = self.camera or registry.get(domain).images
        if not renders or (self.actor.privileged and no_tensorflow):
            return self.play_in(vector_environment.VectorEnvironment(self.camera))
        # Mesa and TensorFlow in one process crash: another one renders.
        if self.actor.privileged:
            (episodes,) = vector_environment.play_shards([self], workers=1)
            return episodes
        with vector_environment.ProcessVectorEnvironment(1, self.camera) as process:
            return self.play_in(process)

    def play_in(
        self, environments: vector_environment.VectorEnvironment
    ) -> list[Episode]:
        """Play the episodes in environments that are open already."""
        return self.actor.play(environments, self.requests)


def shards(
    actor: ActorSpec,
    requests: list[EpisodeRequest],
    size: int,
    camera: CameraConfig = NO_CAMERA,
) -> list[EpisodeShard]:
    """Deal requests out, in order, to shards of up to `size`.

    They are smaller in a world that does not play so many episodes side by side.
    """
    if requests:
        world = registry.get(requests[0].scene.task.domain)
        size = min(size, world.side_by_side or size)
    return [
        EpisodeShard(actor, tuple(requests[start : start + size]), camera)
        for start in range(0, len(requests), size)
    ]
