"""The methods as people know them, in the order in which they are shown."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Entry:
    """A method.

    Attributes:
      label: short name.
      meaning: what it is shown and does, one sentence.
    """

    label: str
    meaning: str


METHODS: dict[str, Entry] = {
    "wtl": Entry(
        "WTL",
        "Watch, Try, Learn: sees the demonstration and a trial with its outcome, then "
        "tries again.",
    ),
    "wtl_2_trials": Entry(
        "WTL, 2 trials", "WTL after two trials: its own first retrial is the second."
    ),
    "wtl_3_trials": Entry("WTL, 3 trials", "WTL after three trials."),
    "wtl_4_trials": Entry("WTL, 4 trials", "WTL after four trials."),
    "wtl_5_trials": Entry("WTL, 5 trials", "WTL after five trials."),
    "wtl_0_trials": Entry(
        "WTL, first try",
        "WTL's policy before any trial: it makes the first try too.",
    ),
    "wtl_own_trial": Entry(
        "WTL, own trial", "WTL after this first try: one policy for both."
    ),
    "wtl_second_round": Entry(
        "WTL, second round",
        "WTL whose policy has also learnt from retrials of the first one.",
    ),
    "wtl_second_round_2_trials": Entry(
        "WTL, second round, 2 trials",
        "The same after two trials: its own first retrial is the second.",
    ),
    "wtl_new_scene": Entry(
        "WTL, new scene",
        "WTL whose retrial is in another scene than its trial.",
    ),
    "mil": Entry(
        "MIL",
        "One-shot imitation: sees the demonstration and has one go; this go is the "
        "trial that WTL learns from.",
    ),
    "mil_second_try": Entry(
        "MIL, second try",
        "MIL has a second, independent go without learning from the first: what an "
        "extra attempt alone is worth.",
    ),
    "maml": Entry(
        "MAML",
        "One-shot imitation by gradient: takes a learned gradient step on the "
        "demonstration and has one go.",
    ),
    "tecnet": Entry(
        "TecNet",
        "One-shot imitation by an embedding of the task, shaped by a margin loss, with "
        "the entity acted on looked for and matched as in MIL; has one go.",
    ),
    "tecnet_flat": Entry(
        "TecNet, flat",
        "TecNet as published, with nothing built in about entities.",
    ),
    "wtl_human": Entry(
        "Human WTL",
        "Sees a video of a human and a trial of its own with its outcome, then tries "
        "again.",
    ),
    "wtl_human_new_scene": Entry(
        "Human WTL, new scene",
        "Human WTL whose retrial is in another scene than its trial.",
    ),
    "mil_human": Entry(
        "Human MIL",
        "Sees a video of a human, finds what was acted on in it, and has one go; "
        "trained on pairs of a human's video and a robot's demonstration.",
    ),
    "mil_human_second_try": Entry(
        "Human MIL, second try",
        "Human MIL has a second, independent go without learning from the first.",
    ),
    "daml": Entry(
        "DAML",
        "Takes a gradient step on a video of a human, by a learned loss that convolves "
        "over time, and has one go; trained on the same pairs.",
    ),
    "daml_linear": Entry(
        "DAML, linear loss",
        "DAML whose learned loss looks at every frame for itself.",
    ),
    "contextual_human": Entry(
        "Flat contextual, human",
        "Reads an embedding off a video of a human, with nothing built in about "
        "entities, and has one go; trained on the same pairs.",
    ),
    "maml_video": Entry(
        "MAML, robot's video",
        "DAML's step on a video of the robot itself: there is no domain to adapt to.",
    ),
    "maml_video_shown_human": Entry(
        "MAML, shown a human",
        "The same, which never saw a human, shown the video of one: the domain gap.",
    ),
    "mil_shown_human": Entry(
        "MIL, shown a human",
        "MIL, which never saw a human, shown the video of one: the domain gap.",
    ),
    "demo_hidden_at_retrial": Entry(
        "Demo hidden",
        "Sees the trial made after the demonstration, but not the demonstration.",
    ),
    "trial_only": Entry(
        "Trial only",
        "Never sees a demonstration: a trial made blindly, with its outcome, then a "
        "retrial.",
    ),
    **{
        f"trial_only_{count}_trials": Entry(
            f"Trial only, {count} trials",
            f"Never sees a demonstration: its trial number {count + 1}, after a blind "
            "one and its own, with their outcomes.",
        )
        for count in range(2, 10)
    },
    "bc": Entry(
        "BC",
        "Behaviour cloning: sees only the scene, neither demonstration nor trial.",
    ),
    "mil_sac_demo": Entry(
        "SAC from MIL, demonstration kept",
        "Reinforcement learning of the one task, from MIL's policy given the "
        "demonstration, which is in the replay buffer too.",
    ),
    "mil_sac": Entry(
        "SAC from MIL",
        "Reinforcement learning of the one task, from MIL's policy given the "
        "demonstration.",
    ),
    "bc_sac_demo": Entry(
        "SAC from BC, demonstration kept",
        "Reinforcement learning of the one task, from BC's policy, with the "
        "demonstration in the replay buffer.",
    ),
    "bc_sac": Entry(
        "SAC from BC",
        "Reinforcement learning of the one task, from BC's policy.",
    ),
    "sac": Entry(
        "SAC from scratch",
        "Reinforcement learning of the one task, from nothing.",
    ),
    "oracle_task": Entry(
        "Oracle",
        "Is told the task and the target: the motor skill that can be hoped for.",
    ),
}


def label(method: str) -> str:
    """Short name of a method, or of `SET/METHOD`; of unknown ones what they came as."""
    of, _, name = method.rpartition("/")
    known = METHODS[name].label if name in METHODS else name
    return f"{known} ({of})" if of else known


def in_order(methods) -> list[str]:
    """Known methods in the order above, then the others as they come."""
    place = {method: i for i, method in enumerate(METHODS)}
    return sorted(methods, key=lambda m: place.get(m.rpartition("/")[2], len(place)))
