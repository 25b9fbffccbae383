"""The methods that learn from trials alone, by name."""

import dataclasses
from collections.abc import Callable
from typing import Any

from wtl.policies.pearl import config as pearl_config
from wtl.policies.pearl.agent import PearlAgent
from wtl.policies.pearl.network import PearlNetwork
from wtl.policies.rl2 import config as rl2_config
from wtl.policies.rl2.agent import Rl2Agent
from wtl.policies.rl2.network import Rl2Network
from wtl.training.meta_learning import Learner
from wtl.training.pearl_learner import PearlLearner
from wtl.training.rl2_learner import Rl2Learner


@dataclasses.dataclass(frozen=True)
class Kind:
    """The parts of a method.

    Attributes:
      config: class of its hyper-parameters.
      network: (view, config) -> network, of which `network` of a checkpoint is one.
      agent: (network, explore) -> `wtl.collection.trials.Agent`.
      learner: (view, config, pool, env_steps, seed=, directory=) -> learner.
    """

    config: type
    network: Callable[..., Any]
    agent: Callable[..., Any]
    learner: Callable[..., Learner]


LEARNERS: dict[str, Kind] = {
    "pearl": Kind(pearl_config.PearlConfig, PearlNetwork, PearlAgent, PearlLearner),
    "rl2": Kind(rl2_config.Rl2Config, Rl2Network, Rl2Agent, Rl2Learner),
}
