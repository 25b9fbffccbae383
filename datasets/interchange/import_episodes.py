"""Import: publish episodes of other formats as a dataset's next version."""

import itertools
import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from wtl.datasets.contract.episode import Episode, EpisodeError
from wtl.datasets.contract.errors import UserError
from wtl.datasets.interchange import field_mapping
from wtl.datasets.storage import new_version, staging

_UNKNOWN_LICENSE = (
    "The licence is that of the imported data, which is unknown here: ask their "
    "authors.\n"
)


def import_episodes(
    episodes: Iterable[Episode],
    root: str | os.PathLike,
    name: str,
    account: Mapping[str, Any],
    license_text: str | None = None,
    action_limits: field_mapping.Limits | None = ((), ()),
    action_names: Sequence[str] = (),
) -> pathlib.Path:
    """Publish episodes that all have the spec of the first; return the version folder.

    Args:
      episodes: the episodes, one at a time.
      root: where datasets are published.
      name: name of the dataset, in lower case with underscores.
      account: JSON-serialisable origin of the episodes, for the provenance.
      license_text: their licence; None if unknown.
      action_limits: see `field_mapping.spec_of`.
      action_names: likewise.

    Raises:
      UserError: if there is no episode, or one breaks the schema; nothing is published.
      StagingError, PublishError, DatasetLockedError: if it cannot be written.
    """
    episodes = iter(episodes)
    first = next(episodes, None)
    if first is None:
        raise UserError("there is no episode to import")
    spec = field_mapping.spec_of(first, action_limits, action_names)
    with new_version.new_version(root, name, spec) as version:
        try:
            version.add(
                staging.encoded(e, spec) for e in itertools.chain([first], episodes)
            )
        except EpisodeError as error:
            raise UserError(f"{error}; nothing is published") from None
        return version.publish(
            "Imported from another format.", account, license_text or _UNKNOWN_LICENSE
        )
