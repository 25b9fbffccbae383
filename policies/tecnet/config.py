"""Hyper-parameters of task-embedded control networks."""

import dataclasses
from typing import ClassVar

from wtl.datasets.contract.limits import Count
from wtl.policies import interface
from wtl.policies.contextual.config import ENTITIES, FLAT, ContextualConfig


@dataclasses.dataclass(frozen=True)
class TecnetConfig(ContextualConfig):
    """Embedding of tasks, with the control network of `wtl.policies.contextual`.

    Width of the embedding, margin and weights are those of the authors' public code.

    Attributes:
      margin: by how much the embedding of a demonstration shall be closer to that of
        its own task than to those of others, in cosines.
      embedding_weight: of the loss of the embedding.
      support_weight: of cloning the embedded demonstrations.
      query_weight: of cloning another demonstration of the task.
    """

    without_entities: ClassVar[str] = FLAT

    embedding: Count = 20
    margin: float = 0.1
    embedding_weight: float = 1.0
    support_weight: float = 0.1
    query_weight: float = 0.1

    def __post_init__(self):
        super().__post_init__()
        interface.require("encoder", self.encoder, (ENTITIES, FLAT))
        # The support is cloned at frames that are not consecutive.
        interface.require("chunk", self.chunk, (1,))
