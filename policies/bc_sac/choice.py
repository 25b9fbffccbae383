"""Which entity an episode is committed to: the first decision of the agent."""

import tensorflow as tf

from wtl.envs import observation


class Choice(tf.Module):
    """A categorical over the entities of a scene.

    Its logits are those of the policy that it began with, in that scene, plus what has
    been learnt of each identity and each place. As part of the policy it is sampled
    once per episode and learns from the same critics as the actor (SAC for discrete
    actions, Christodoulou 2019).
    """

    def __init__(self, layout: observation.Layout):
        """Creates a choice that adds nothing to the logits it is given."""
        super().__init__(name="choice")
        self._size = layout.size
        self.identity = tf.Variable(tf.zeros(2 * layout.size), name="identity")
        self.place = tf.Variable(tf.zeros(2 * layout.size), name="place")

    def logits(self, base: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
        """Returns logits [N, E].

        Args:
          base: [N, E] logits of the policy that it began with.
          places: [N, E] int32 places of objects, and of buttons, from the left.
        """
        kind = self._size * (tf.range(2 * self._size) // self._size)
        return base + self.identity + tf.gather(self.place, kind + places)

    def loss(self, logits: tf.Tensor, value: tf.Tensor, temperature: float):
        """What is minimised: expected value [N, E] and entropy count against it."""
        log_share = tf.nn.log_softmax(logits)
        gain = tf.stop_gradient(value) - temperature * log_share
        return -tf.reduce_mean(tf.reduce_sum(tf.exp(log_share) * gain, axis=-1))
