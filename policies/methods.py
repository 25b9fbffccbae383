"""The methods by name. A new way of conditioning is one line here."""

import dataclasses
from collections.abc import Callable
from typing import Any

from policies import interface
from policies.contextual import config as contextual_config
from policies.contextual import loss as contextual_loss
from policies.contextual import network as contextual_network
from policies.contextual import policy as contextual_policy
from policies.maml import config as maml_config
from policies.maml import loss as maml_loss
from policies.maml import network as maml_network
from policies.maml import policy as maml_policy


@dataclasses.dataclass(frozen=True)
class Kind:
    """The parts of policies that differ by their configuration alone.

    Attributes:
      network: (config) -> Keras model with `config` and `layout`.
      policy: (network) -> TF-Agents policy with `network` and `encode_context`.
      loss: (network, example, log sigma floor) -> losses by name, of which `total` is
        minimised; see `policies.contextual.loss`.
    """

    network: Callable[[Any], Any]
    policy: Callable[[Any], Any]
    loss: Callable[[Any, Any, Any], Any]


_CONTEXTUAL = Kind(
    contextual_network.ContextualNetwork,
    contextual_policy.ContextualPolicy,
    contextual_loss.loss,
)
_MAML = Kind(maml_network.MamlNetwork, maml_policy.MamlPolicy, maml_loss.loss)


@dataclasses.dataclass(frozen=True)
class Method:
    """A method: a kind of policy, and how it is configured.

    Attributes:
      config: what it is shown, and what its network is like.
      folder: its folder in a run.
      trial_source: method whose rollouts are the trials it is shown, if any.
      kind: its network, policy and loss.
    """

    config: interface.Interface
    folder: str
    trial_source: str = ""
    kind: Kind = _CONTEXTUAL


_Contextual = contextual_config.Config

METHODS: dict[str, Method] = {
    "bc": Method(_Contextual(), "bc"),
    "mil": Method(_Contextual(demos=True), "trial"),
    "wtl": Method(_Contextual(demos=True, trials=True), "retrial", "mil"),
    "demo_hidden_at_retrial": Method(
        _Contextual(trials=True), "demo_hidden_at_retrial", "mil"
    ),
    "trial_only": Method(_Contextual(trials=True), "trial_only", "bc"),
    "oracle_task": Method(_Contextual(oracle=True), "oracle_task"),
    "maml": Method(
        maml_config.Config(demos=True, context_frames=10), "maml", kind=_MAML
    ),
}
