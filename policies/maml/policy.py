"""The network as a TF-Agents policy."""

import tensorflow as tf
from tf_agents.policies import tf_policy
from tf_agents.trajectories import policy_step

from wtl.datasets.contract import fields
from wtl.policies import features
from wtl.policies.contextual import context as contexts
from wtl.policies.contextual import policy as contextual
from wtl.policies.heads import mixture_density
from wtl.policies.maml import adaptation
from wtl.policies.maml import network as networks


class MamlPolicy(tf_policy.TFPolicy):
    """Acts with adapted parameters and a committed target.

    `encode_context` adapts once per episode; what it returns is the policy state, which
    then stays as it is.
    """

    def __init__(self, network: networks.MamlNetwork):
        """Wraps a network, which may be trained further."""
        config = network.config
        time_step_spec, action_spec = contextual.specs(
            network.layout.state_size, config.action_size
        )
        super().__init__(
            time_step_spec,
            action_spec,
            policy_state_spec={
                "phi": tf.TensorSpec((network.parameter_count,), tf.float32),
                "target": tf.TensorSpec((config.items,), tf.float32),
            },
            # The state is what was learned; the first step must not erase it.
            automatic_state_reset=False,
            name="maml_policy",
        )
        self.network = network

    def encode_context(self, context: contexts.Context) -> dict[str, tf.Tensor]:
        """Returns the policy state for B contexts: phi [B, P] and one-hot target."""
        phi = self.network.encode(context)
        logits = self.network.choose(phi, context.state)
        items = self.network.config.items
        chosen = tf.argmax(logits + context.gumbel[:, :items], axis=-1)
        return {"phi": adaptation.pack(phi), "target": tf.one_hot(chosen, items)}

    def _variables(self):
        return self.network.variables

    def _action(self, time_step, policy_state, seed=None):
        del seed
        state = time_step.observation[fields.STATE]
        prediction = self.network.act(
            adaptation.unpack(policy_state["phi"], self.network.theta),
            state[:, None],
            policy_state["target"],
        )
        action = mixture_density.in_turn(
            prediction, features.step(state, self.network.layout)
        )
        action = tf.clip_by_value(action, -1.0, 1.0)
        return policy_step.PolicyStep(action, policy_state, ())

    def _distribution(self, time_step, policy_state):
        raise NotImplementedError("a MAML policy is deterministic; call `action`")
