"""Hyper-parameters of policies that adapt to videos."""

import dataclasses

from wtl.policies.maml import config as maml_config


@dataclasses.dataclass(frozen=True)
class DamlConfig(maml_config.MamlConfig):
    """Configuration of MAML with a learned loss of videos.

    Attributes:
      temporal: whether the learned loss convolves over time; else it takes every frame
        by itself, as the linear loss of MIL and of DAML's ablation does.
    """

    temporal: bool = True
