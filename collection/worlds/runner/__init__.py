"""Runners: bodies that run forwards, with faults that appear in mid-episode."""

WORLDS = {
    "half_cheetah": "runner:HALF_CHEETAH",
    "quadruped": "runner:QUADRUPED",
    "half_cheetah_direction": "runner:HALF_CHEETAH_DIRECTION",
}
