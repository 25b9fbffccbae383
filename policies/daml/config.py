"""Hyper-parameters of policies that adapt to videos."""

import dataclasses

from wtl.policies.maml import config as maml_config


@dataclasses.dataclass(frozen=True)
class DamlConfig(maml_config.MamlConfig):
    """How a policy adapts to a video; the rest is as in `wtl.policies.maml`.

    Attributes:
      temporal: whether the learned loss convolves over time; else it looks at every
        frame for itself, as the linear loss of MIL and of DAML's ablation does.
    """

    temporal: bool = True
