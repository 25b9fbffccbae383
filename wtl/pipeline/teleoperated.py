"""Episodes that operators have recorded in a run."""

import hashlib
from collections.abc import Iterator

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.errors import UserError
from wtl.datasets.storage import staging
from wtl.pipeline.run import Run


def saved(run: Run, roles: tuple[str, ...] = (fields.ROLE_DEMO,)) -> Iterator[Episode]:
    """Yield saved episodes of some roles.

    Raises:
      UserError: if nothing is saved, or in scenes of another configuration.
    """
    folder = run.folder.teleop
    if not staging.is_staging(folder):
        raise UserError(
            f"nothing is teleoperated in {folder}; run `wtl teleop` with this "
            "--run_dir first, or leave out collect_demos.teleop and "
            "collect_trials.teleop"
        )
    if staging.read_spec(folder) != run.datasets.spec(fields.WTL_DEMOS, by_hand=True):
        raise UserError(
            f"{folder} holds episodes of another suite.size or camera; use the "
            "configuration that they were recorded with"
        )
    for episode in staging.iterate_staged(folder):
        if episode.metadata[fields.ROLE] in roles:
            yield episode


def fingerprint(run: Run) -> str:
    """Return a fingerprint of the saved episodes, whatever their order."""
    digest = hashlib.sha256()
    for episode in sorted(saved(run, fields.ROLES), key=lambda episode: episode.id):
        digest.update(episode.id.encode())
        digest.update(episode.steps[fields.ACTION].tobytes())
        digest.update(str(sorted(episode.metadata.items())).encode())
    return digest.hexdigest()
