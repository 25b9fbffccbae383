"""Hyper-parameters of task-embedded control networks."""

import dataclasses

from wtl.policies.contextual import config as contextual_config


@dataclasses.dataclass(frozen=True)
class TecnetConfig(contextual_config.ContextualConfig):
    """How tasks are embedded; the control network is that of `wtl.policies.contextual`.

    Width of the embedding, margin and weights are the paper's as remembered.

    Attributes:
      margin: by how much more the embedding of a demonstration shall be like that of
        its own task than like those of others, in cosines.
      embedding_weight: of the loss of the embedding.
      support_weight: of cloning the demonstrations that the embedding is read off.
      query_weight: of cloning another demonstration of the task.
    """

    embedding: int = 20
    margin: float = 0.1
    embedding_weight: float = 1.0
    support_weight: float = 0.1
    query_weight: float = 0.1
