"""The process in which a policy thinks while a person watches."""

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
from wtl.collection.teleop.pilot import Observation
from wtl.datasets.contract import fields
from wtl.datasets.reading.store import EpisodeStore
from wtl.policies import export, interface


@dataclasses.dataclass(frozen=True)
class Assistance:
    """Which policy assists, and what it is shown.

    Attributes:
      saved_model: folder of the policy.
      config: of its method.
      demos: the demonstrations that it may be shown.
      pixels: height and width of the images that it sees; 0 where it sees states.
    """

    saved_model: pathlib.Path
    config: interface.Interface
    demos: EpisodeStore
    pixels: int


def assist(connection: Connection, assistance: Assistance):
    """Answers a `RemotePilot` until it hangs up."""
    vector_environment.begin_worker()
    try:
        thinker = _Thinker(assistance)
    except Exception as error:  # the other end raises it
        connection.send(("", " ".join(str(error).split())))
        return
    connection.send((thinker.policy_id, None))
    try:
        while True:
            kind, arguments = connection.recv()
            if kind == "begin":
                thinker.begin(*arguments)
            else:
                number, observed = arguments
                connection.send((number, thinker.act(observed)))
    except (EOFError, OSError):
        return


class _Thinker:
    def __init__(self, assistance: Assistance):
        layout = assistance.config.layout
        policy = export.load(
            assistance.saved_model, layout.state_size, assistance.pixels
        )
        config = export.as_saved(assistance.config, policy)
        encoder = observation_encoder.Sight(policy, layout)
        builder = context_builder.ContextBuilder(
            config, encoder, demos=assistance.demos
        )
        self.policy_id = export.policy_id(policy)
        self._actor = policy_actor.PolicyActor(policy, builder, self.policy_id)

    def begin(self, shown: str, observed: Observation):
        """Encode the context of an episode, given the demonstration of an id."""
        request = EpisodeRequest(None, "", fields.ROLE_TRIAL, demo_ids=(shown,))
        batched = {name: value[None] for name, value in observed.items()}
        self._actor.begin(None, [request], batched)

    def act(self, observed: Observation) -> np.ndarray:
        """Return the action for an observation."""
        batched = {name: value[None] for name, value in observed.items()}
        action, _ = self._actor.act(batched)
        return action[0]
