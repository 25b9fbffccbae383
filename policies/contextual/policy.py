"""Policy around a contextual network."""

import tensorflow as tf

from wtl.policies import context_policy
from wtl.policies.contextual import context as contexts
from wtl.policies.contextual import network as networks
from wtl.policies.heads import head as heads


class ContextualPolicy(context_policy.ContextPolicy):
    """Acts given an encoded context and a selected target."""

    def __init__(self, network: networks.ContextualNetwork):
        config = network.config
        sizes = {"embedding": network.embedding_size, "target": config.entities}
        if config.keeps_component:
            sizes["component"] = config.components
        super().__init__(network, sizes, "contextual_policy")

    def encode_context(self, context: contexts.Context) -> dict[str, tf.Tensor]:
        """Return the policy state for B contexts: embedding and what is chosen."""
        config = self.network.config
        encoding = self.network.encode(context)
        logits = encoding.target_logits
        if config.chooses_target:
            logits += context.gumbel[:, : config.entities]
        state = {
            "embedding": encoding.embedding,
            "target": self.network.pursued(logits),
        }
        if config.keeps_component:
            noise = context.gumbel[:, config.entities :]
            chosen = tf.argmax(self.network.weigh(encoding.embedding) + noise, axis=-1)
            state["component"] = tf.one_hot(chosen, config.components)
        return state

    def _actor(self, state: tf.Tensor, policy_state) -> heads.Actor:
        return self.network.act(
            state, policy_state["embedding"], policy_state["target"]
        )
