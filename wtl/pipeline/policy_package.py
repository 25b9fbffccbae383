"""Publishable version of a trained policy: saved model, card, checksums."""

import json
import os
import pathlib
import shutil
from typing import Any

from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.storage import card, checksums

_SAVED_MODEL = "saved_model"
_CARD = """# {folder}

A policy of Watch, Try, Learn, trained as `{method}`; its id, a hash of its weights, is
`{policy_id}`.

`{saved_model}/` loads with TensorFlow alone:

```python
import tensorflow as tf
policy = tf.saved_model.load("PATH/TO/{folder}/{policy_id}/{saved_model}")
```

`policy.encode_context` encodes the episodes it is given as its context, `policy.action`
acts on a TF-Agents time step. `learning_curve/` is for TensorBoard, `config.gin` is the
configuration of the run, `{provenance}` the inputs of its training, and `{checksums}`
the checksum of every file (`wtl verify DIR` checks them).

It acts in WTL's simulated world, and is for research.
"""


def is_policy(folder: pathlib.Path) -> bool:
    """Whether a folder of a run holds a policy that is trained and saved."""
    saved = folder / _SAVED_MODEL / "saved_model.pb"
    return saved.is_file() and (folder / fields.POLICY_FILE).is_file()


def pack(policy_dir: pathlib.Path, target: pathlib.Path) -> str:
    """Copy the files of a policy that others need, and write checksums.

    Args:
      policy_dir: RUN/policies/FOLDER.
      target: folder to make.

    Returns:
      The policy id, which serves as its version.

    Raises:
      UserError: if its description cannot be read.
    """
    run, folder = policy_dir.parent.parent, policy_dir.name
    path = policy_dir / fields.POLICY_FILE
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
        method, policy_id = str(described["method"]), str(described["policy_id"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} cannot be read ({error}); train it again") from error
    shutil.copytree(policy_dir / _SAVED_MODEL, target / _SAVED_MODEL)
    shutil.copy(path, target)
    if (run / "config.gin").is_file():
        shutil.copy(run / "config.gin", target)
    curves = sorted((run / "logs" / folder).rglob("*.tfevents.*"))
    for number, curve in enumerate(curves):
        # The original names contain the name of the machine.
        copy = target / "learning_curve" / f"events.out.tfevents.{number}"
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(curve, copy)
    texts = {
        fields.CARD_FILE: _CARD.format(
            folder=folder,
            method=method,
            policy_id=policy_id,
            saved_model=_SAVED_MODEL,
            provenance=fields.PROVENANCE_FILE,
            checksums=fields.CHECKSUMS_FILE,
        ),
        fields.LICENSE_FILE: card.LICENSE,
        fields.CITATION_FILE: card.citation(fields.WTL_TRIALS),
        fields.PROVENANCE_FILE: _provenance(run, method, policy_id),
    }
    for name, text in texts.items():
        (target / name).write_text(text, encoding="utf-8")
    checksums.seal(target)
    return policy_id


def _provenance(run: pathlib.Path, method: str, policy_id: str) -> str:
    """Return the lineage entries of a policy in JSON."""
    path, account = run / "lineage.json", {}
    if path.is_file():
        try:
            lineage: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise UserError(f"{os.fspath(path)} is damaged: {error}") from error
        account = {
            stage: entry
            for stage, entry in lineage.items()
            if entry.get("outputs", {}).get(method) == policy_id
        }
    return json.dumps(account, indent=2, sort_keys=True) + "\n"
