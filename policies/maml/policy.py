"""Policy around a network that adapts by gradient."""

import tensorflow as tf

from wtl.policies import context_policy
from wtl.policies.adapters import gradient
from wtl.policies.contextual import context as contexts
from wtl.policies.heads import head as heads
from wtl.policies.maml import network as networks


class MamlPolicy(context_policy.ContextPolicy):
    """Acts with parameters adapted to the context, and a selected target."""

    def __init__(self, network: networks.MamlNetwork):
        sizes = {"phi": network.parameter_count, "target": network.config.items}
        super().__init__(network, sizes, "maml_policy")

    def encode_context(self, context: contexts.Context) -> dict[str, tf.Tensor]:
        """Return the policy state for B contexts: phi [B, P] and one-hot target."""
        phi = self.network.encode(context)
        logits = self.network.choose(phi, context.state)
        items = self.network.config.items
        chosen = tf.argmax(logits + context.gumbel[:, :items], axis=-1)
        return {"phi": gradient.pack(phi), "target": tf.one_hot(chosen, items)}

    def _actor(self, state: tf.Tensor, policy_state) -> heads.Actor:
        phi = gradient.unpack(policy_state["phi"], self.network.theta)
        return self.network.act(phi, state[:, None], policy_state["target"])
