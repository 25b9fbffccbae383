"""The datasets that are looked at together, and the links between their episodes."""

import collections
import contextlib
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

_MAX_TAKES = 8


class UnknownEpisodeError(UserError):
    """There is no episode of that id."""


class Library:
    """Datasets that lie beside each other, the newest version of each.

    Attributes:
      path: what was asked for.
      chosen: name of the dataset that was asked for; empty for all of them.
      indices: their episodes by dataset.
      warnings: what could not be read, or is not shown.
    """

    def __init__(self, path: str | os.PathLike):
        """Reads the index of everything.

        Args:
          path: a version, the folder of a dataset's versions, or a run folder or other
            folder that holds such folders. Of one dataset those beside it are read
            too, for the links.

        Raises:
          UserError: if there is nothing to look at.
          DatasetDamagedError, DatasetMismatchError: if what was asked for can't be
            read.
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
                # What is wrong with the only one there is says more.
                raise UserError(next(iter(self.warnings), str(error))) from None
        else:
            index = Index(version)
            self.chosen = index.name
            self.indices[index.name] = index
            self._add_all(version.absolute().parent.parent)
        for index in self.indices.values():
            self.warnings.extend(_forgotten(index))
        self._link()

    def replace(self, index: Index) -> None:
        """Takes another version of a dataset in the place of the one that is there."""
        self.indices[index.name].pending.close()
        self.indices[index.name] = index
        self._link()

    def __iter__(self) -> Iterator[Row]:
        """Every episode, dataset by dataset, in order of their ids."""
        for index in self.indices.values():
            yield from index.rows.values()

    def __len__(self) -> int:
        """Number of episodes."""
        return sum(len(index.rows) for index in self.indices.values())

    def __contains__(self, episode_id: str) -> bool:
        """Whether there is such an episode."""
        return episode_id in self._rows

    def __getitem__(self, episode_id: str) -> Row:
        """The episode of an id.

        Raises:
          UnknownEpisodeError: if there is none.
        """
        try:
            return self._rows[episode_id]
        except KeyError:
            raise UnknownEpisodeError(f"there is no episode {episode_id!r}") from None

    def index_of(self, row: Row) -> Index:
        """The index that a row is in."""
        return self.indices[row.dataset]

    def children(self, row: Row) -> Sequence[Row]:
        """What was made from an episode, what was made from fewest things first."""
        return self._children.get(row.id, ())

    def chain(self, row: Row) -> list[Row]:
        """Demonstration, trial and retrial of which an episode is one.

        What it was made from comes first. After it comes the first of its children, and
        so on: of a demonstration a trial, and then the retrial that has seen both.
        """
        chain = [self._rows[name] for name in row.parents if name in self._rows]
        chain.append(row)
        while len(chain) < _MAX_TAKES:
            made = (r for r in self.children(chain[-1]) if r not in chain)
            first = next(made, None)
            if first is None:
                break
            chain.append(first)
        return chain

    def _add_all(self, root: pathlib.Path) -> None:
        """Adds the newest versions of the datasets in a folder, as far as readable."""
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
        for row in self:
            self._rows.setdefault(row.id, row)
        for row in self:
            for parent in dict.fromkeys(row.parents):
                self._children[parent].append(row)
            row.is_orphan = any(name not in self._rows for name in row.parents)
        for children in self._children.values():
            children.sort(key=lambda row: (len(row.parents), row.id))


def _forgotten(index: Index) -> Iterator[str]:
    """Edits of other versions than the one that is shown."""
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
