"""Estimators of the inner objective: one first derivative, three second ones.

The gradient of the outer objective through the inner step needs the Hessian of the
expected return (Rothfuss et al. 2019, section 4). The probability of the first trials
depends on the parameters, and only some estimators differentiate it: their
meta-gradient has the term that credits the actions of these trials for the step that
they cause.
"""

import tensorflow as tf

from wtl.policies import promp


def surrogate(
    credit: str, log_density: tf.Tensor, sampled: tf.Tensor, advantage: tf.Tensor
) -> tf.Tensor:
    """Return terms [..., T] whose mean over trials is differentiated, to be maximised.

    Args:
      credit: `likelihood_ratio`, the low variance curvature estimator (Rothfuss et al.
        2019, equation 10), whose Hessian lacks the products of scores of different
        steps; `dice` (Foerster et al. 2018, in the form with advantages of Farquhar et
        al. 2019), whose Hessian is unbiased; or `none`, the log-likelihood of the
        policy-gradient theorem, whose Hessian lacks all products of scores.
      log_density: [..., T] of the actions of each step of trials, under the policy.
      sampled: [..., T] the same under the policy that took them, constant.
      advantage: [..., T] constant.
    """
    if credit == promp.NONE:
        return log_density * advantage
    ratio = tf.exp(log_density - sampled)
    if credit == promp.LIKELIHOOD_RATIO:
        return ratio * advantage
    earlier = tf.exp(tf.cumsum(log_density - sampled, axis=-1, exclusive=True))
    return earlier * (ratio - 1) * advantage
