"""The methods by name. A new way of conditioning is one line here."""

import dataclasses

from policies.contextual import config as configs


@dataclasses.dataclass(frozen=True)
class Method:
    """A kind of policy.

    Attributes:
      config: what it is shown.
      folder: its folder in a run.
      trial_source: method whose rollouts are the trials it is shown, if any.
    """

    config: configs.Config
    folder: str
    trial_source: str = ""


METHODS: dict[str, Method] = {
    "bc": Method(configs.Config(), "bc"),
    "mil": Method(configs.Config(demos=True), "trial"),
    "wtl": Method(configs.Config(demos=True, trials=True), "retrial", "mil"),
    "demo_hidden_at_retrial": Method(
        configs.Config(trials=True), "demo_hidden_at_retrial", "mil"
    ),
    "trial_only": Method(configs.Config(trials=True), "trial_only", "bc"),
    "oracle_task": Method(configs.Config(oracle=True), "oracle_task"),
}
