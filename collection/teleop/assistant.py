"""The process in which a policy thinks while a person watches."""

import dataclasses
import pathlib
from multiprocessing.connection import Connection

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from wtl.collection import context_builder, observation_encoder, vector_environment
from wtl.collection.teleop.pilot import Observation
from wtl.datasets.reading.store import EpisodeStore
from wtl.policies import export, interface
from wtl.policies.contextual import context as contexts


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
        self._layout = assistance.config.layout
        self._policy = export.load(
            assistance.saved_model, self._layout.state_size, assistance.pixels
        )
        self._config = export.as_saved(assistance.config, self._policy)
        self.policy_id = export.policy_id(self._policy)
        self._eyes = observation_encoder.Sight(self._policy, self._layout)
        self._demos = assistance.demos
        self._conditioner = context_builder.Conditioner(
            assistance.demos, self._config, self._eyes
        )

    def begin(self, shown: str, observed: Observation):
        """Looks at a demonstration and at a scene."""
        nothing = context_builder.nothing_shown(
            1, self._config, self._layout.state_size
        )
        row = self._demos.rows([shown])
        batched = {name: value[None] for name, value in observed.items()}
        context = contexts.Context(
            demos=self._conditioner.shown(row[None]) if self._config.demos else nothing,
            trials=nothing,
            truth=context_builder.nothing_told(1, self._config),
            state=self._eyes.first(batched),
            gumbel=np.zeros((1, self._config.choices), np.float32),
        )
        self._state = self._policy.encode_context(context)
        self._begun = False

    def act(self, observed: Observation) -> np.ndarray:
        """The action for an observation."""
        seen = {name: tf.constant(observed[name][None]) for name in self._eyes.sees}
        if self._begun:
            step = ts.transition(seen, np.zeros(1, np.float32))
        else:
            step = ts.restart(seen, 1)
        self._begun = True
        chosen = self._policy.action(step, self._state)
        self._state = chosen.state
        return np.asarray(chosen.action)[0]
