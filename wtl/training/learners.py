"""Learners from trials alone, by the type of a method's configuration."""

from wtl.policies.pearl.config import PearlConfig
from wtl.policies.promp.config import PrompConfig
from wtl.policies.rl2.config import Rl2Config
from wtl.policies.strikes.config import StrikesConfig
from wtl.training.meta_learner import MetaLearner
from wtl.training.pearl_learner import PearlLearner
from wtl.training.promp_learner import PrompLearner
from wtl.training.rl2_learner import Rl2Learner
from wtl.training.strikes_learner import StrikesLearner

LEARNERS: dict[type, type[MetaLearner]] = {
    PearlConfig: PearlLearner,
    Rl2Config: Rl2Learner,
    PrompConfig: PrompLearner,
    StrikesConfig: StrikesLearner,
}
