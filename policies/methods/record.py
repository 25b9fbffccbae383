"""Record of a method, the only place that refers to it by name."""

import dataclasses
import importlib
from collections.abc import Callable
from typing import Any

from wtl.policies.methods import palette

SAME, NEW = "same", "new"

# Rules for the choices that a policy makes once per episode, such as its target.
LIKELIEST, SAMPLED = "likeliest", "sampled"
SAMPLED_AFTER_FAILURE, NEXT_AFTER_FAILURE = (
    "sampled after failure",
    "next after failure",
)


@dataclasses.dataclass(frozen=True)
class PolicyKind:
    """Parts of policies that differ by their configuration only.

    Parts are named, so that a record imports no TensorFlow.

    Attributes:
      network_name: `MODULE:NAME` of (config) -> Keras model with `config` and `layout`.
      policy_name: likewise of (network) -> TF-Agents policy with `network` and
        `encode_context`.
      loss_name: likewise of (network, example, log sigma floor) -> losses by name, of
        which `total` is minimised; see `wtl.policies.imitation`. Empty where nothing
        is learnt.
    """

    network_name: str
    policy_name: str
    loss_name: str = ""

    @property
    def network(self) -> Callable[[Any], Any]:
        """See `network_name`."""
        return _resolve(self.network_name)

    @property
    def policy(self) -> Callable[[Any], Any]:
        """See `policy_name`."""
        return _resolve(self.policy_name)

    @property
    def loss(self) -> Callable[[Any, Any, Any], Any]:
        """See `loss_name`."""
        return _resolve(self.loss_name)


def _resolve(name: str) -> Callable[..., Any]:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


@dataclasses.dataclass(frozen=True)
class Condition:
    """A row of the result table: a method under one condition of the evaluation.

    Attributes:
      name: its name in `results.json`.
      label: short name for people.
      description: one sentence for people.
      colour: in figures and reports.
      trials: conditions whose episodes are given as trials, in order.
      scene: `same` as the trials, or `new`.
      choice: rule for its target: the `LIKELIEST`; `SAMPLED`;
        `SAMPLED_AFTER_FAILURE`, if the last trial failed, else the likeliest; or
        `NEXT_AFTER_FAILURE`, the likeliest but as many as trials have failed.
      shown_human: whether human videos are given to a policy that was trained on the
        robot's demonstrations.
      compared_with: conditions with which it is compared, scene by scene, besides those
        of its method.
      in_default: whether it is evaluated where no conditions are named.
      method: name of the method, filled in by its record.
    """

    name: str
    label: str
    description: str
    colour: str = palette.GREY
    trials: tuple[str, ...] = ()
    scene: str = SAME
    choice: str = LIKELIEST
    shown_human: bool = False
    compared_with: tuple[str, ...] = ()
    in_default: bool = True
    method: str = ""


@dataclasses.dataclass(frozen=True)
class Method:
    """A method.

    Attributes:
      name: its key in `METHODS`, and the folder of its policy in a run.
      label: short name for people.
      description: one sentence for people.
      colour: in figures and reports.
      config: configuration of its network and what it is given; of methods that learn
        one task by trial and error their `Start`, of those that learn from trials alone
        their hyper-parameters.
      kind: network, policy and loss; None where nothing is trained in a stage.
      trained_as: method whose policy it plays, of methods that learn from trials alone;
        empty for its own.
      trial_source: method whose rollouts are the trials it is given, if any.
      retrial_source: method whose rollouts after these trials it is given too, if any.
      conditions: rows of the result table.
      compared_with: names of conditions with which its first condition is compared,
        scene by scene.
      in_default: whether a stage trains it where no methods are named.
    """

    name: str
    label: str
    description: str
    colour: str = palette.GREY
    config: Any = None
    kind: PolicyKind | None = None
    trained_as: str = ""
    trial_source: str = ""
    retrial_source: str = ""
    conditions: tuple[Condition, ...] = ()
    compared_with: tuple[str, ...] = ()
    in_default: bool = False

    def __post_init__(self):
        conditions = tuple(
            dataclasses.replace(condition, method=self.name)
            for condition in self.conditions
        )
        object.__setattr__(self, "conditions", conditions)

    @property
    def is_trained(self) -> bool:
        """Whether a stage trains a policy of it."""
        return self.kind is not None


@dataclasses.dataclass(frozen=True)
class Start:
    """Start of reinforcement learning of one task.

    Attributes:
      method: whose policy is the first actor; empty for random weights.
      keeps_demo: whether the demonstration is in the replay buffer.
    """

    method: str = ""
    keeps_demo: bool = False
