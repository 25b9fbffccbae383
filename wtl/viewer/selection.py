"""Selection of the listed episodes, their order, and counts of others."""

import collections
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.viewer.index import Row

DATASET, FLAG, TEXT, ORDER = "dataset", "flag", "text", "order"
_ACTOR, _TRIAL = "actor", "trial"
# Values of an episode by facet; of flags there may be several, of trials none.
FACETS: Mapping[str, Callable[[Row], tuple[str, ...]]] = {
    DATASET: lambda row: (row.dataset,),
    fields.FAMILY: lambda row: (row[fields.FAMILY],),
    fields.ROLE: lambda row: (row[fields.ROLE],),
    fields.SUCCESS: lambda row: ("true" if row[fields.SUCCESS] else "false",),
    _TRIAL: lambda row: (row.given_trial,) if row.trials else (),
    fields.SPLIT: lambda row: (row[fields.SPLIT],),
    _ACTOR: lambda row: (row.actor,),
    FLAG: lambda row: row.flags or ("none",),
}
# Measures by which a list is sorted, the largest first.
ORDERS: Mapping[str, Callable[[Row], float]] = {
    "idle": lambda row: row.quality.idle,
    "saturated": lambda row: row.quality.saturated,
    "off-rate": lambda row: row.quality.late,
    "longest": lambda row: row.quality.transitions,
    "reward": lambda row: row.quality.reward,
}


@dataclasses.dataclass(frozen=True)
class Selection:
    """Filter and order of episodes.

    Attributes:
      wanted: value by facet; facets that are left out may have any.
      text: what the task, its words, the id or the note contains.
      order: a key of `ORDERS`, or empty for the order of the ids.
    """

    wanted: Mapping[str, str]
    text: str = ""
    order: str = ""

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> "Selection":
        """Read the query of an address; empty values are left out.

        Raises:
          UserError: if there is no such facet or order.
        """
        given = {name: value for name, value in query.items() if value}
        text, order = given.pop(TEXT, ""), given.pop(ORDER, "")
        for name in given:
            if name not in FACETS:
                raise UserError(f"{name!r} is no facet; {', '.join(FACETS)} are")
        if order and order not in ORDERS:
            raise UserError(f"{order!r} is no order; {', '.join(ORDERS)} are")
        return cls(given, text.lower(), order)

    def of(self, rows: Iterable[Row]) -> list[Row]:
        """Return the selected rows, in order."""
        chosen = [row for row in rows if self._holds(row)]
        if self.order:
            chosen.sort(key=ORDERS[self.order], reverse=True)
        return chosen

    def facets(self, rows: Sequence[Row]) -> dict[str, dict[str, int]]:
        """Return the number of rows for every value of every facet.

        They are counted with all filters but that of the facet itself, so that each
        other value shows how many rows it would select.
        """
        result = {}
        for name, filed in FACETS.items():
            others = {n: v for n, v in self.wanted.items() if n != name}
            without = dataclasses.replace(self, wanted=others)
            counts: collections.Counter[str] = collections.Counter()
            for row in rows:
                if without._holds(row):
                    counts.update(filed(row))
            result[name] = dict(sorted(counts.items()))
        return result

    def _holds(self, row: Row) -> bool:
        for name, value in self.wanted.items():
            if value not in FACETS[name](row):
                return False
        if not self.text:
            return True
        searched = (row[fields.TASK_ID], row.words, row.id, row[fields.NOTES])
        return any(self.text in text.lower() for text in searched)


def summary(row: Row) -> dict[str, Any]:
    """Return the entry of an episode in a list."""
    return {
        "id": row.id,
        "dataset": row.dataset,
        "family": row[fields.FAMILY],
        "role": row[fields.ROLE],
        "task": row[fields.TASK_ID],
        "split": row[fields.SPLIT],
        "words": row.words,
        "actor": row.actor,
        "twin": next(row.twins, ""),
        "success": bool(row[fields.SUCCESS]),
        "steps": row.quality.transitions,
        "flags": row.flags,
    }
