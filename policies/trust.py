"""Consent to load policies of others: a saved model is a program.

A published policy has a checksums.json; policies that are trained here have none.
"""

import pathlib

from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.storage import checksums


def require(saved_model: pathlib.Path) -> None:
    """Check that a policy was trained here, or that the user trusts its origin.

    Args:
      saved_model: its folder `saved_model/`.

    Raises:
      UserError: if it was published and is not trusted.
    """
    folder = saved_model.resolve().parent
    seal, consent = folder / fields.CHECKSUMS_FILE, folder / fields.TRUSTED_FILE
    if not seal.exists():
        return
    if not consent.is_file() or consent.read_text() != checksums.checksum(seal).sha256:
        raise UserError(
            f"{folder} is a published policy, and policies are programs; if you trust "
            "its origin, repeat the command once with --trust (from Python: "
            "wtl.load_policy(..., trust=True))"
        )


def grant(policies: pathlib.Path) -> None:
    """Trust, from now on, the published policies in the folders of a folder."""
    for saved_model in policies.glob("*/saved_model"):
        seal = saved_model.resolve().with_name(fields.CHECKSUMS_FILE)
        if seal.exists():
            # A policy that takes its place later has another seal.
            consent = seal.with_name(fields.TRUSTED_FILE)
            consent.write_text(checksums.checksum(seal).sha256)
