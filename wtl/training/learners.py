"""Registry of the learners from trials alone, by name of the method."""

from wtl.training.meta_learner import MetaLearner
from wtl.training.pearl_learner import PearlLearner
from wtl.training.rl2_learner import Rl2Learner

LEARNERS: dict[str, type[MetaLearner]] = {"pearl": PearlLearner, "rl2": Rl2Learner}
