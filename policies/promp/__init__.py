"""ProMP (Rothfuss et al. 2019) and MAML for RL (Finn et al. 2017): meta-RL by gradient.

A policy plays its first trials of a task, takes a policy-gradient step on them, and
plays further trials. The initial parameters are trained on-policy for the rewards of
the latter, by PPO, through that step. How far the first trials are credited for the
step that they cause is the choice of an estimator.
"""

# Estimators of the inner objective, see `wtl.policies.promp.estimator`.
LIKELIHOOD_RATIO, DICE, NONE = CREDITS = ("likelihood_ratio", "dice", "none")
