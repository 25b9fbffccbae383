"""Names that users type."""

import pytest

from wtl.datasets.contract.names import did_you_mean, listed


@pytest.mark.parametrize(
    "typed, nearest",
    (("trane", "train_trial"), ("graps", "grasp"), ("WTL", "wtl"), ("zzz", None)),
)
def test_the_nearest_known_name_is_suggested(typed, nearest):
    found = did_you_mean(typed, ["train_trial", "grasp", "press", "wtl"])
    assert found == (f"; did you mean {nearest!r}?" if nearest else "")


@pytest.mark.parametrize(
    "text, known, names",
    (
        ("a,b", ["a", "b"], ["a", "b"]),
        ("open, then close", ["open, then close"], ["open, then close"]),
        ("x,open, then close", ["x", "open, then close"], ["x", "open, then close"]),
        ("a,b", ["a", "b", "a,b"], ["a,b"]),
        ("a,c", ["a"], ["a", "c"]),
    ),
)
def test_commas_inside_known_names_do_not_split(text, known, names):
    assert listed(text, known.__contains__) == names
