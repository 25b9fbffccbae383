"""Description of the world of a run, by which a changed world is noticed."""

import json
from typing import Any

from wtl.collection.worlds.world import World
from wtl.datasets.contract.errors import UserError
from wtl.pipeline.run_folder import RunFolder

_FILE = "world.json"


def require_unchanged(world: World, folder: RunFolder):
    """Check that a world is as at the beginning of the run, and note it down at first.

    Worlds of users and of servers change on their own; those of WTL with WTL.

    Raises:
      UserError: if its version or its spec has changed.
    """
    if world.plain is None:
        return
    path = folder.path / _FILE
    known = json.loads(path.read_text()) if path.exists() else {}
    described = _description(world)
    if world.name not in known:
        folder.write_json(_FILE, known | {world.name: described})
        return
    before = known[world.name]
    for name in {**before, **described}:
        if before.get(name) != described.get(name):
            at = f" at {world.address}" if world.address else ""
            raise UserError(
                f"the world {world.name!r}{at} has changed: {name} is "
                f"{described.get(name, 'absent')}, and {folder.path} was begun with "
                f"{before.get(name, 'absent')}; bring that world back, or choose "
                "another --run_dir"
            )


def _description(world: World) -> dict[str, Any]:
    action = world.spec.action
    return {
        "version": world.version,
        "horizon": world.spec.horizon,
        "control_hz": world.spec.control_hz,
        "action": f"{action.shape} from {action.minimum} to {action.maximum}",
        **{
            f"observation {name}": f"{spec.shape} {spec.dtype}"
            for name, spec in world.spec.observation.items()
        },
    }
