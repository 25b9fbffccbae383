"""Process of a policy that acts in a session of teleoperation."""

import dataclasses
import pathlib
from multiprocessing.connection import Connection

import numpy as np

from wtl.collection import (
    context_builder,
    observation_encoder,
    policy_actor,
    vector_environment,
)
from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.teleop.interface import Observation
from wtl.datasets.contract import fields
from wtl.datasets.reading.store import EpisodeStore
from wtl.policies import export, interface


@dataclasses.dataclass(frozen=True)
class AssistingPolicy:
    """A policy that may act, and the demonstrations that it may be given.

    Attributes:
      saved_model: folder of the policy.
      config: of its method.
      demos: the demonstrations.
      pixels: height and width of the images that it observes; 0 for states.
    """

    saved_model: pathlib.Path
    config: interface.Interface
    demos: EpisodeStore
    pixels: int


def serve(connection: Connection, assisting: AssistingPolicy):
    """Answer a `RemotePolicyDriver` until it hangs up."""
    vector_environment.begin_worker()
    try:
        policy = _Policy(assisting)
    except Exception as error:  # the other end raises it
        connection.send(("", " ".join(str(error).split())))
        return
    connection.send((policy.policy_id, None))
    try:
        while True:
            kind, arguments = connection.recv()
            if kind == "begin":
                policy.begin(*arguments)
            else:
                number, observation = arguments
                connection.send((number, policy.act(observation)))
    except (EOFError, OSError):
        return


class _Policy:
    def __init__(self, assisting: AssistingPolicy):
        layout = assisting.config.layout
        policy = export.load(assisting.saved_model, layout.state_size, assisting.pixels)
        config = export.as_saved(assisting.config, policy)
        encoder = observation_encoder.ObservationEncoder(policy, layout)
        builder = context_builder.ContextBuilder(config, encoder, demos=assisting.demos)
        self.policy_id = export.policy_id(policy)
        self._actor = policy_actor.PolicyActor(policy, builder, self.policy_id)

    def begin(self, shown: str, observation: Observation):
        """Encode the context of an episode, given the demonstration of an id."""
        request = EpisodeRequest(None, "", fields.ROLE_TRIAL, demo_ids=(shown,))
        batched = {name: value[None] for name, value in observation.items()}
        self._actor.begin(None, [request], batched)

    def act(self, observation: Observation) -> np.ndarray:
        """Return the action for an observation."""
        batched = {name: value[None] for name, value in observation.items()}
        action, _ = self._actor.act(batched)
        return action[0]
