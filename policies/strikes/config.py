"""Hyper-parameters of latent strikes."""

import dataclasses

from wtl.datasets.contract.limits import Count, Natural, NotNegative, Share
from wtl.policies import interface, strikes


@dataclasses.dataclass(frozen=True)
class StrikesConfig:
    """Hyper-parameters of latent strikes.

    Attributes:
      evidence: of the puck that the agent is given: its `own` trials, `none`, the
        trials of `another` puck (its neighbour), or, as an `oracle`, its hidden
        dynamics; the last three are controls, which play the policy that is trained
        for the first.
      latent: Z, numbers that a strike is made of.
      divergence_weight: of the divergence from the prior of the latent; with less than
        a few, latents of the prior make no strikes.
      generator_steps: gradient steps of the generative model, before any trial.
      hidden: width of the hidden layers.
      context: width of the encoding of trials.
      oracle_share: share of training examples with hidden dynamics in place of trials.
      exploration: standard deviation of noise on the chosen latents in training.
      largest_latent: magnitude up to which latents are chosen; the prior is normal.
      candidates: latents that are compared in each iteration of the choice.
      iterations: of the cross-entropy method.
      learning_rate: of Adam at the start; it falls to 0 along a cosine.
      batch: strikes in a gradient step.
      updates_per_round: gradient steps after each round.
      first_rounds: rounds of latents of the prior; then they are chosen.
      tasks_per_round: pucks with new trials in each round.
      trials_per_task: trials of each of them.

    Raises:
      ValueError: if the evidence is unknown.
    """

    evidence: str = strikes.OWN
    latent: Count = 2
    divergence_weight: NotNegative = 4.0
    generator_steps: Count = 2000
    hidden: Count = 128
    context: Count = 64
    oracle_share: Share = 0.15
    exploration: NotNegative = 0.15
    largest_latent: NotNegative = 2.0
    candidates: Count = 200
    iterations: Count = 4
    learning_rate: NotNegative = 2e-3
    batch: Count = 256
    updates_per_round: Count = 300
    first_rounds: Natural = 2
    tasks_per_round: Count = 50
    trials_per_task: Count = 6

    def __post_init__(self):
        interface.require("evidence", self.evidence, strikes.EVIDENCE)
