"""Card, citation and licence of a published dataset.

Their fixed texts are in the dataset's TFDS folder (`datasets/<name>/`), which
`tfds build` uses too; the card adds the contents of the version.
"""

import collections
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.errors import DatasetDamagedError
from wtl.datasets.contract.regular_file import open_regular

_HERE = pathlib.Path(__file__).parents[1]
LICENSE = (
    "Apache License, Version 2.0: https://www.apache.org/licenses/LICENSE-2.0\n"
    "\n"
    "The data are provided as they are, without warranty of any kind.\n"
)
# Metadata that the card counts.
CARD_FIELDS = (fields.SPLIT, fields.ROLE, fields.FAMILY, fields.SUCCESS)


def description(name: str) -> str:
    """Return the description of a dataset, in Markdown."""
    return _text(name, fields.CARD_FILE) or f"# {name}\n\nEpisodes in RLDS form.\n"


def citation(name: str) -> str:
    """Return the citation of a dataset in BibTeX; empty if there is none."""
    return _text(name, fields.CITATION_FILE)


def stored_license(dataset_dir: pathlib.Path) -> str:
    """Return the licence of a published version.

    Raises:
      DatasetDamagedError: if it cannot be read.
    """
    try:
        with open_regular(dataset_dir / fields.LICENSE_FILE) as file:
            return file.read().decode()
    except (OSError, ValueError) as error:
        raise DatasetDamagedError(
            f"{dataset_dir} has no licence that can be read ({error})"
        ) from None


def card(
    name: str,
    version: str,
    spec: EpisodeSpec,
    episodes: Iterable[Mapping[str, Any]],
    release_notes: Mapping[str, str],
) -> str:
    """Return the card of one version, in Markdown.

    Args:
      name: name of the dataset.
      version: number of the version.
      spec: sizes of its vectors.
      episodes: `CARD_FIELDS` of every episode.
      release_notes: text by version.
    """
    counts, successes = collections.Counter(), collections.Counter()
    for episode in episodes:
        key = tuple(
            episode[field] for field in (fields.SPLIT, fields.ROLE, fields.FAMILY)
        )
        counts[key] += 1
        successes[key] += bool(episode[fields.SUCCESS])
    rows = "".join(
        f"| {' | '.join(key)} | {counts[key]} | {successes[key] / counts[key]:.3f} |\n"
        for key in sorted(counts)
    )
    notes = "".join(f"- {key}: {release_notes[key]}\n" for key in sorted(release_notes))
    return f"""{description(name).rstrip()}

## This version

{name} {version}: {sum(counts.values())} episodes; {_contents(spec)}.

| split | role | family | episodes | success |
|---|---|---|---|---|
{rows}
`{fields.PROVENANCE_FILE}` lists its sources and the versions of the code,
`{fields.CHECKSUMS_FILE}` the checksum of every file (`wtl verify DIR` checks them).

Read it with nothing but TensorFlow Datasets:

```python
import tensorflow_datasets as tfds
builder = tfds.builder_from_directory("PATH/TO/{name}/{version}")
for episode in builder.as_dataset(split="{min(counts)[0] if counts else "train"}"):
    for step in episode["steps"]:
        {_example(spec)}
```

## Release notes

{notes}"""


def _contents(spec: EpisodeSpec) -> str:
    """Return the contents of a step, in two lines."""
    parts = [f"{o.name} of {o}" for o in spec.vectors]
    if spec.action_size:
        parts.append(f"action of {spec.action_size}")
    if spec.physics_size:
        parts.append(f"physics state of {spec.physics_size}")
    parts += [
        str(o) if o.name == fields.IMAGE else f"{o.name}: {o}" for o in spec.cameras
    ]
    if not spec.action_size:
        parts.append("no actions and no rewards")
    return f"{parts[0]},\n{', '.join(parts[1:])}"


def _example(spec: EpisodeSpec) -> str:
    """Return the line of example code that uses a step."""
    used = fields.ACTION if spec.action_size else fields.TIMESTAMP
    observed = (*(spec.vectors if spec.action_size else ()), *spec.observations)[0]
    path = "".join(f'["{part}"]' for part in observed.name.split("/"))
    return f'step["observation"]{path}, step["{used}"]'


def _text(name: str, file: str) -> str:
    path = _HERE / name / file
    return path.read_text(encoding="utf-8") if path.is_file() else ""
