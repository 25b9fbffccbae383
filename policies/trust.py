"""Consent to load policies of others: a saved model is a program.

A published policy lies in a folder with a checksums.json, its seal; policies that are
trained here have none above them.
"""

import pathlib
from collections.abc import Iterator

from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.storage import checksums


def require(saved_model: pathlib.Path, trusted: bool = False) -> None:
    """Check that a policy was trained here, or that the user trusts its origin.

    Args:
      saved_model: its folder `saved_model/`.
      trusted: whether the user trusts it this time; its content is still checked.

    Raises:
      UserError: if it was published and is not trusted, or changed since.
      DatasetDamagedError: if its checksums.json is altered.
    """
    for seal in _seals(saved_model):
        if not trusted and not _has_consent(seal):
            raise UserError(
                f"{seal.parent} is a published policy, and policies are programs; if "
                "you trust its origin, repeat the command once with --trust (from "
                "Python: wtl.load_policy(..., trust=True))"
            )
        _require_unchanged(saved_model.resolve(), seal.parent)


def grant(policies: pathlib.Path) -> None:
    """Trust, from now on, the published policies in the folders of a folder."""
    for saved_model in policies.glob("*/saved_model"):
        for seal in _seals(saved_model):
            # A policy that takes its place later has another seal.
            consent = seal.with_name(fields.TRUSTED_FILE)
            consent.write_text(checksums.checksum(seal).sha256)


def _seals(saved_model: pathlib.Path) -> Iterator[pathlib.Path]:
    # A version may have subfolders, so the seal can be far above.
    for folder in saved_model.resolve().parents:
        if (folder / fields.CHECKSUMS_FILE).exists():
            yield folder / fields.CHECKSUMS_FILE


def _has_consent(seal: pathlib.Path) -> bool:
    consent = seal.with_name(fields.TRUSTED_FILE)
    return consent.is_file() and consent.read_text() == checksums.checksum(seal).sha256


def _require_unchanged(saved_model: pathlib.Path, version: pathlib.Path) -> None:
    """Compare a saved model with the checksums of the version that holds it."""
    below = {
        path: expected
        for name, expected in checksums.read(version).items()
        if (path := version / name).is_relative_to(saved_model)
    }
    there = {path for path in saved_model.rglob("*") if not path.is_dir()}
    changed = sorted(
        path
        for path in there | below.keys()
        if path not in below
        or not path.is_file()
        or checksums.checksum(path) != below[path]
    )
    if changed:
        raise UserError(
            f"{changed[0]} has changed since it was published; fetch the policy again"
        )
