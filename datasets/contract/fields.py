"""Names of every field of an episode, and of the files a dataset is made of.

Code refers to these constants, never to the literal names, so that a misspelt
field is an `AttributeError` at import and not an empty column at training.
"""

# --- Steps: arrays stacked over the T+1 timesteps of an episode (RLDS).
STEPS = "steps"
OBSERVATION = "observation"
STATE = "state"
IMAGE = "image"
WRIST_IMAGE = "wrist_image"
PROPRIOCEPTION = "proprioception"  # observed beside images, not stored
ACTION = "action"
REWARD = "reward"
DISCOUNT = "discount"
IS_FIRST = "is_first"
IS_LAST = "is_last"
IS_TERMINAL = "is_terminal"
IS_INTERVENTION = "is_intervention"
PHYSICS_STATE = "physics_state"
TIMESTAMP = "timestamp"

# Fixed step fields; every other step field is an observation.
STEP_FIELDS = (
    ACTION,
    REWARD,
    DISCOUNT,
    IS_FIRST,
    IS_LAST,
    IS_TERMINAL,
    IS_INTERVENTION,
    PHYSICS_STATE,
    TIMESTAMP,
)

# --- Episode metadata.
EPISODE_ID = "episode_id"
TASK_ID = "task_id"
FAMILY = "family"
OBJECT_SET = "object_set"
SPLIT = "split"
ROLE = "role"
SCENE_SEED = "scene_seed"
SUCCESS = "success"
DEMONSTRATOR = "demonstrator"
POLICY_ID = "policy_id"
PARENT_DEMO_IDS = "parent_demo_ids"
PARENT_TRIAL_IDS = "parent_trial_ids"
TRIAL_INDEX = "trial_index"
CONTROL_HZ = "control_hz"
INVALID = "invalid"
NOTES = "notes"
INSTRUCTION = "instruction"
ENV_VERSION = "env_version"
MUJOCO_VERSION = "mujoco_version"

# --- The task's hidden variables; never an input of a policy.
HIDDEN = "hidden"
HIDDEN_TARGET = "hidden/target"
HIDDEN_ACHIEVED = "hidden/achieved"
HIDDEN_FRICTION = "hidden/friction"
HIDDEN_RULE = "hidden/rule"
HIDDEN_GAINS = "hidden/gains"
HIDDEN_PUCK = "hidden/puck"

# --- Values.
ROLE_DEMO = "demo"
ROLE_TRIAL = "trial"
ROLE_RETRIAL = "retrial"
ROLE_EVAL = "eval"
ROLES = (ROLE_DEMO, ROLE_TRIAL, ROLE_RETRIAL, ROLE_EVAL)

TELEOP = "teleop:"  # prefix of `demonstrator` where a person acted

SPLIT_TRAIN = "train"
SPLIT_VAL = "val"
SPLIT_TEST = "test"
SPLITS = (SPLIT_TRAIN, SPLIT_VAL, SPLIT_TEST)

# --- Datasets of the pipeline.
WTL_DEMOS = "wtl_demos"
WTL_HUMAN_VIDEOS = "wtl_human_videos"
WTL_TRIALS = "wtl_trials"
WTL_RETRIALS = "wtl_retrials"
WTL_EVALUATIONS = "wtl_evaluations"
WTL_EXPLORATIONS = "wtl_explorations"

# --- Files of a published dataset version, beside its TFRecord shards.
FEATURES_FILE = "features.json"
INFO_FILE = "dataset_info.json"
CARD_FILE = "README.md"
CITATION_FILE = "CITATIONS.bib"
LICENSE_FILE = "LICENSE"
PROVENANCE_FILE = "provenance.json"
STATISTICS_FILE = "statistics.json"
PROVENANCE_WORLD = "world"  # key of the provenance: name of the world
CHECKSUMS_FILE = "checksums.json"

# --- Files of a published policy that no dataset has.
POLICY_FILE = "policy.json"
TRUSTED_FILE = ".trusted"  # written here, once its origin is trusted


def step_key(name: str) -> str:
    """Return the name of a step field in the flat `tf.train.Example` of TFDS."""
    if name in STEP_FIELDS:
        return f"{STEPS}/{name}"
    return f"{STEPS}/{OBSERVATION}/{name}"
