"""The methods by name. A new way of conditioning is one line here."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

from wtl.policies import interface
from wtl.policies.contextual import config as contextual_config
from wtl.policies.contextual import loss as contextual_loss
from wtl.policies.contextual import network as contextual_network
from wtl.policies.contextual import policy as contextual_policy
from wtl.policies.daml import config as daml_config
from wtl.policies.daml import network as daml_network
from wtl.policies.maml import config as maml_config
from wtl.policies.maml import loss as maml_loss
from wtl.policies.maml import network as maml_network
from wtl.policies.maml import policy as maml_policy
from wtl.policies.tecnet import config as tecnet_config
from wtl.policies.tecnet import loss as tecnet_loss
from wtl.policies.tecnet import network as tecnet_network


@dataclasses.dataclass(frozen=True)
class Kind:
    """The parts of policies that differ by their configuration alone.

    Attributes:
      network: (config) -> Keras model with `config` and `layout`.
      policy: (network) -> TF-Agents policy with `network` and `encode_context`.
      loss: (network, example, log sigma floor) -> losses by name, of which `total` is
        minimised; see `wtl.policies.imitation`.
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
_DAML = Kind(daml_network.DamlNetwork, maml_policy.MamlPolicy, maml_loss.loss)
_TECNET = Kind(
    tecnet_network.TecnetNetwork, contextual_policy.ContextualPolicy, tecnet_loss.loss
)


@dataclasses.dataclass(frozen=True)
class Method:
    """A method: a kind of policy, and how it is configured.

    Attributes:
      config: what it is shown, and what its network is like.
      folder: its folder in a run.
      trial_source: method whose rollouts are the trials it is shown, if any.
      retrial_source: method whose rollouts after these trials it is shown too, if any.
      kind: its network, policy and loss.
    """

    config: interface.Interface
    folder: str
    trial_source: str = ""
    retrial_source: str = ""
    kind: Kind = _CONTEXTUAL


_Contextual = contextual_config.Config
_Maml = functools.partial(maml_config.Config, demos=True, context_frames=10)
_Tecnet = functools.partial(tecnet_config.Config, demos=True)
_Daml = functools.partial(daml_config.Config, demos=True, context_frames=20)

METHODS: dict[str, Method] = {
    "bc": Method(_Contextual(), "bc"),
    "mil": Method(_Contextual(demos=True), "trial"),
    "wtl": Method(_Contextual(demos=True, trials=True), "retrial", "mil"),
    "wtl_second_round": Method(
        _Contextual(demos=True, trials=True), "retrial_second_round", "mil", "wtl"
    ),
    "demo_hidden_at_retrial": Method(
        _Contextual(trials=True), "demo_hidden_at_retrial", "mil"
    ),
    "trial_only": Method(_Contextual(trials=True), "trial_only", "bc"),
    "oracle_task": Method(_Contextual(oracle=True), "oracle_task"),
    "maml": Method(_Maml(), "maml", kind=_MAML),
    "maml_video": Method(_Daml(), "maml_video", kind=_DAML),
    "daml": Method(_Daml(human=True), "daml", kind=_DAML),
    "daml_linear": Method(_Daml(human=True, temporal=False), "daml_linear", kind=_DAML),
    "tecnet": Method(_Tecnet(), "tecnet", kind=_TECNET),
    "tecnet_flat": Method(_Tecnet(per_entity=False), "tecnet_flat", kind=_TECNET),
    "contextual_human": Method(
        _Contextual(demos=True, human=True, per_entity=False), "contextual_human"
    ),
    "mil_human": Method(_Contextual(demos=True, human=True), "trial_human"),
    "wtl_human": Method(
        _Contextual(demos=True, trials=True, human=True), "retrial_human", "mil_human"
    ),
}
