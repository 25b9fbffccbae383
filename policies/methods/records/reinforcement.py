"""Methods that learn by reinforcement: of one task, or of many."""

from wtl.policies import promp, strikes
from wtl.policies.methods import palette
from wtl.policies.methods.record import Method, Start
from wtl.policies.pearl.config import PearlConfig
from wtl.policies.promp.config import PrompConfig
from wtl.policies.rl2.config import Rl2Config
from wtl.policies.strikes.config import StrikesConfig

RECORDS = (
    Method(
        "mil_sac_demo",
        "SAC from MIL, demonstration kept",
        "Reinforcement learning of one task, from MIL's policy given the "
        "demonstration, which is in the replay buffer too.",
        palette.ROSE,
        config=Start("mil", keeps_demo=True),
    ),
    Method(
        "mil_sac",
        "SAC from MIL",
        "Reinforcement learning of one task, from MIL's policy given the "
        "demonstration.",
        palette.GREEN,
        config=Start("mil"),
    ),
    Method(
        "bc_sac_demo",
        "SAC from BC, demonstration kept",
        "Reinforcement learning of one task, from BC's policy, with the "
        "demonstration in the replay buffer.",
        palette.GOLD,
        config=Start("bc", keeps_demo=True),
    ),
    Method(
        "bc_sac",
        "SAC from BC",
        "Reinforcement learning of one task, from BC's policy.",
        palette.TEAL,
        config=Start("bc"),
    ),
    Method(
        "sac",
        "SAC from scratch",
        "Reinforcement learning of one task, from random weights.",
        palette.BROWN,
        config=Start(),
    ),
    Method(
        "pearl",
        "PEARL",
        "Meta-reinforcement learning from trials alone: infers a latent task from its "
        "trials, and plays each with a sample of the posterior.",
        palette.TEAL,
        config=PearlConfig(),
    ),
    Method(
        "rl2",
        "RL²",
        "Meta-reinforcement learning from trials alone: a recurrent policy that "
        "remembers its trials.",
        palette.BROWN,
        config=Rl2Config(),
    ),
    Method(
        "promp",
        "ProMP",
        "Meta-reinforcement learning from trials alone: takes a policy-gradient step "
        "on its first trials, which are credited for it.",
        palette.BLUE,
        config=PrompConfig(),
    ),
    Method(
        "maml_rl",
        "MAML for RL",
        "ProMP whose first trials are not credited for the step that they cause: the "
        "estimator that MAML is usually implemented with.",
        palette.ROSE,
        config=PrompConfig(credit=promp.NONE),
    ),
    Method(
        "maml_rl_dice",
        "MAML for RL, DiCE",
        "ProMP whose meta-gradient is unbiased, at the price of variance.",
        palette.GOLD,
        config=PrompConfig(credit=promp.DICE),
    ),
    Method(
        "promp_without_step",
        "ProMP, no inner step",
        "ProMP's policy trained by PPO on all trials, without an inner step: it cannot "
        "learn from its trials.",
        palette.GREY,
        config=PrompConfig(inner_step=False),
    ),
    Method(
        "latent_strikes",
        "Latent strikes",
        "Learning from trials alone: strikes a puck by a few latent numbers, chosen by "
        "a model that predicts where the puck stops from the previous trials.",
        palette.TEAL,
        config=StrikesConfig(),
    ),
    Method(
        "latent_strikes_without_trials",
        "Latent strikes, no trials",
        "Latent strikes without the previous trials: its first trial again and again.",
        palette.GREY,
        config=StrikesConfig(evidence=strikes.NONE),
        trained_as="latent_strikes",
    ),
    Method(
        "latent_strikes_another_puck",
        "Latent strikes, another puck",
        "Latent strikes, given the trials of another puck.",
        palette.SKY,
        config=StrikesConfig(evidence=strikes.ANOTHER),
        trained_as="latent_strikes",
    ),
    Method(
        "latent_strikes_oracle",
        "Latent strikes, oracle",
        "Latent strikes, given the hidden dynamics of the puck in place of trials.",
        palette.VIOLET,
        config=StrikesConfig(evidence=strikes.ORACLE),
        trained_as="latent_strikes",
    ),
)
