"""Names of splits that users give."""

from collections.abc import Iterable

from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.names import did_you_mean


def require(splits: Iterable[str]):
    """Check that all are splits.

    Raises:
      UserError: if one is not.
    """
    for split in splits:
        if split not in fields.SPLITS:
            raise UserError(
                f"split {split!r} is none of {', '.join(fields.SPLITS)}"
                + did_you_mean(split, fields.SPLITS)
            )
