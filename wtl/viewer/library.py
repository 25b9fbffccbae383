"""Datasets that are viewed together, and the links between their episodes."""

import collections
import contextlib
import json
import os
import pathlib
from collections.abc import Iterator, Sequence

from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.curation.edits import PendingEdits
from wtl.datasets.format.schema import DatasetMismatchError
from wtl.datasets.storage import location
from wtl.datasets.storage.location import DatasetDamagedError, DatasetNotFoundError
from wtl.viewer.index import Index, Row

_MAX_CHAIN = 8


class UnknownEpisodeError(UserError):
    """There is no episode of that id."""


class Library:
    """Datasets beside each other, the newest version of each.

    Attributes:
      path: the given path.
      run: folder of the run that the datasets are of, if they are of one.
      chosen: name of the dataset at that path; empty for all of them.
      indices: index of each dataset, by name.
      warnings: datasets that can't be read, and edits that are not shown.
    """

    def __init__(self, path: str | os.PathLike):
        """Read the index of every dataset.

        Args:
          path: a version, the folder of a dataset's versions, or a run folder or other
            folder that holds such folders. The datasets beside a given one are read
            too, for the links.

        Raises:
          UserError: if there is no dataset.
          DatasetDamagedError, DatasetMismatchError: if the given one can't be read.
        """
        self.path = pathlib.Path(path)
        self.chosen = ""
        self.indices: dict[str, Index] = {}
        self.warnings: list[str] = []
        folder = self.path / "datasets"
        root = folder if folder.is_dir() else self.path
        try:
            version = location.resolve(self.path)
        except DatasetNotFoundError as error:
            self._add_all(root)
            if not self.indices:
                # The fault of an unreadable dataset says more.
                raise UserError(next(iter(self.warnings), str(error))) from None
        else:
            index = Index(version)
            self.chosen = index.name
            self.indices[index.name] = index
            root = version.absolute().parent.parent
            self._add_all(root)
        self.run = root.absolute().parent
        for index in self.indices.values():
            self.warnings.extend(_forgotten(index))
        self._link()

    def replace(self, index: Index) -> None:
        """Replace the version of a dataset by another one."""
        self.indices[index.name].pending.close()
        self.indices[index.name] = index
        self._link()

    def __iter__(self) -> Iterator[Row]:
        """Yield every episode, dataset by dataset, in order of their ids."""
        for index in self.indices.values():
            yield from index.rows.values()

    def __len__(self) -> int:
        """Return the number of episodes."""
        return sum(len(index.rows) for index in self.indices.values())

    def __contains__(self, episode_id: str) -> bool:
        """Return whether there is such an episode."""
        return episode_id in self._rows

    def __getitem__(self, episode_id: str) -> Row:
        """Return the episode of an id.

        Raises:
          UnknownEpisodeError: if there is none.
        """
        try:
            return self._rows[episode_id]
        except KeyError:
            raise UnknownEpisodeError(f"there is no episode {episode_id!r}") from None

    def children(self, row: Row) -> Sequence[Row]:
        """Return the episodes derived from one, those with the fewest parents first."""
        return self._children.get(row.id, ())

    def chain(self, row: Row) -> list[Row]:
        """Return the demonstration, trial and retrial that an episode belongs to.

        Its parents come first. After it comes the first of its children, and so on: of
        a demonstration a trial, and then the retrial derived from both.
        """
        chain = [self._rows[name] for name in row.parents if name in self._rows]
        chain.append(row)
        while len(chain) < _MAX_CHAIN:
            derived = (r for r in self.children(chain[-1]) if r not in chain)
            first = next(derived, None)
            if first is None:
                break
            chain.append(first)
        return chain

    def _add_all(self, root: pathlib.Path) -> None:
        """Add the newest versions of the datasets in a folder, as far as readable."""
        try:
            folders = sorted(p for p in root.iterdir() if p.is_dir())
        except OSError:
            return
        order = (fields.WTL_DEMOS, fields.WTL_HUMAN_VIDEOS, fields.WTL_TRIALS)
        folders.sort(key=lambda p: order.index(p.name) if p.name in order else 9)
        for folder in folders:
            if folder.name in self.indices or not location.versions(folder):
                continue
            try:
                index = Index(folder)
            except (
                DatasetDamagedError,
                DatasetMismatchError,
                DatasetNotFoundError,
                UserError,
            ) as error:
                self.warnings.append(str(error))
            else:
                self.indices.setdefault(index.name, index)

    def _link(self) -> None:
        self._rows: dict[str, Row] = {}
        self._children: dict[str, list[Row]] = collections.defaultdict(list)
        methods = _method_names(self.run / "policies")
        for row in self:
            self._rows.setdefault(row.id, row)
        for row in self:
            for parent in dict.fromkeys(row.parents):
                self._children[parent].append(row)
            row.is_orphan = any(name not in self._rows for name in row.parents)
            trials = row.metadata[fields.PARENT_TRIAL_IDS]
            row.trials = [self._rows[name] for name in trials if name in self._rows]
            policy = row[fields.POLICY_ID]
            name = methods.get(policy, f"policy:{policy}")
            row.actor = row[fields.DEMONSTRATOR] or name
        for children in self._children.values():
            children.sort(key=lambda row: (len(row.parents), row.id))


def _forgotten(index: Index) -> Iterator[str]:
    """Yield warnings of edits of other versions than the one that is shown."""
    for version in location.versions(index.version.absolute().parent):
        if version.name == index.number:
            continue
        with contextlib.suppress(DatasetDamagedError, UserError):
            count = len(PendingEdits(version))
            if count:
                yield (
                    f"{count} edited episodes of {index.name} {version.name} are not "
                    f"published; `wtl view {version}` shows them"
                )


def _method_names(policies: pathlib.Path) -> dict[str, str]:
    """Return the names of methods by the ids of their policies in a run."""
    names = {}
    for path in policies.glob(f"*/{fields.POLICY_FILE}"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            entry = json.loads(path.read_text(encoding="utf-8"))
            names[str(entry["policy_id"])] = str(entry["method"])
    return names
