"""Publishable version of a trained policy: saved model, card, checksums."""

import json
import os
import pathlib
import shutil
from typing import Any

from wtl.datasets.contract import fields, json_file, regular_file
from wtl.datasets.contract.errors import UserError
from wtl.datasets.storage import card, checksums

_SAVED_MODEL = "saved_model"
_CARD = """# {folder}

A policy of Watch, Try, Learn, trained as `{method}`; its id, a hash of its weights, is
`{policy_id}`.

A saved model is a program: load it only if you trust its origin. `{saved_model}/` loads
with TensorFlow alone:

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
      UserError: if its description cannot be read, or what would be copied is a pipe,
        a device or a link that leads out.
    """
    run, folder = policy_dir.parent.parent, policy_dir.name
    path = policy_dir / fields.POLICY_FILE
    try:
        described = json_file.read(path)
        method, policy_id = str(described["method"]), str(described["policy_id"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} cannot be read ({error}); train it again") from error
    copies = {
        file: file.relative_to(policy_dir)
        for file in sorted((policy_dir / _SAVED_MODEL).rglob("*"))
        if file.is_symlink() or not file.is_dir()
    }
    copies[path] = path.name
    if os.path.lexists(run / "config.gin"):
        copies[run / "config.gin"] = "config.gin"
    curves = sorted((run / "logs" / folder).rglob("*.tfevents.*"))
    for number, curve in enumerate(curves):
        # The original names contain the name of the machine.
        copies[curve] = f"learning_curve/events.out.tfevents.{number}"
    for source, name in copies.items():
        if reason := regular_file.fault(source, run):
            raise UserError(f"{source} {reason}; nothing is published")
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target / name)
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
            # The place of another run on this machine is not for publication.
            stage: {k: v for k, v in entry.items() if k != "taken_from"}
            for stage, entry in lineage.items()
            if entry.get("outputs", {}).get(method) == policy_id
        }
    return json.dumps(account, indent=2, sort_keys=True) + "\n"
