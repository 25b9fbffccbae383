"""Process of a policy that acts in a session of teleoperation."""

import dataclasses
import pathlib
from collections.abc import Mapping
from multiprocessing.connection import Connection

from wtl.collection import (
    context_builder,
    observation_encoder,
    policy_actor,
)
from wtl.collection.episode_request import EpisodeRequest
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
      images: height and width of the images that it observes, by name.
    """

    saved_model: pathlib.Path
    config: interface.Interface
    demos: EpisodeStore
    images: Mapping[str, tuple[int, int]]


def serve(connection: Connection, assisting: AssistingPolicy):
    """Answer a `PolicyDriver` until it hangs up."""
    try:
        actor = _actor(assisting)
    except Exception as error:  # the other end raises it
        connection.send(("", " ".join(str(error).split())))
        return
    connection.send((export.policy_id(actor.policy), None))
    try:
        while True:
            kind, (about, observation) = connection.recv()
            batched = {name: value[None] for name, value in observation.items()}
            if kind == "begin":  # about the id of the demonstration to give
                role = fields.ROLE_TRIAL
                request = EpisodeRequest(None, "", role, demo_ids=(about,))
                actor.begin(None, [request], batched)
            else:  # about the number of the request
                (action,), _ = actor.act(batched)
                connection.send((about, action))
    except (EOFError, OSError):
        return


def _actor(assisting: AssistingPolicy) -> policy_actor.PolicyActor:
    layout = assisting.config.layout
    policy = export.load(assisting.saved_model, layout.state_size, assisting.images)
    config = export.as_saved(assisting.config, policy)
    encoder = observation_encoder.ObservationEncoder(policy, layout)
    builder = context_builder.ContextBuilder(config, encoder, demos=assisting.demos)
    return policy_actor.PolicyActor(policy, builder, export.policy_id(policy))
