"""Latent strikes (after Arndt et al. 2020): a puck is struck, and struck better.

A generative model turns a few latent numbers into the commands of a whole strike, open
loop. A second model predicts where a strike sends the puck, given the previous trials
of the same puck (a conditional neural process, Garnelo et al. 2018). Before each trial
the latent is chosen whose strike is predicted to end nearest to the target. So the
latent adapts to the trials, without gradient steps. The authors adapt the policy over
the latent by MAML's gradient instead.
"""

# Evidence of the puck that an agent is given, the first in training.
OWN, NONE, ANOTHER, ORACLE = EVIDENCE = ("own", "none", "another", "oracle")
