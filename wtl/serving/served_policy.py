"""Policy of a run, with the description that clients are sent."""

import pathlib
from typing import Any

import wtl
from wtl.api.policies import Policy
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.names import did_you_mean
from wtl.datasets.format import schema
from wtl.datasets.reading import reader
from wtl.datasets.storage import location
from wtl.policies import trust as trust_lib


def load(run: pathlib.Path, name: str, trust: bool = False) -> Policy:
    """Load a policy of a run; `trust` trusts published ones in it from now on.

    Raises:
      UserError: if there is no such policy, or it cannot be loaded.
    """
    policies = run / "policies"
    known = sorted(path.parent.name for path in policies.glob("*/saved_model"))
    if not known:
        raise UserError(f"{run} has no trained policy; give the folder of a run")
    if name not in known:
        raise UserError(
            f"{run} has no policy {name!r}; it has {', '.join(known)}"
            + did_you_mean(name, known)
        )
    if trust:
        trust_lib.grant(policies)
    return wtl.load_policy(policies / name)


def metadata(policy: Policy, name: str, run: pathlib.Path) -> dict[str, Any]:
    """Return the description of a policy, for clients."""
    described = {
        "server": f"wtl {wtl.__version__}",
        "policy": name,
        "policy_id": policy.policy_id,
        "world": policy.world,
        "takes_demos": policy.takes_demos,
        "takes_trials": policy.takes_trials,
        "takes_human_videos": policy.takes_human_videos,
        "observations": {n: list(shape) for n, shape in policy.inputs.items()},
        "context_observations": {
            n: list(shape) for n, shape in policy.context_inputs.items()
        },
        "action_size": policy.action_size,
        "action_horizon": policy.executed,
    }
    folder = run / "datasets" / fields.WTL_DEMOS
    if versions := location.versions(folder):
        spec = schema.stored_spec(versions[-1])
        described["action_names"] = list(spec.axes)
        described["action_low"] = list(spec.action_low) or [-1.0] * spec.action_size
        described["action_high"] = list(spec.action_high) or [1.0] * spec.action_size
        first = next(reader.iterate_episodes(versions[-1]))
        described["control_hz"] = float(first.metadata[fields.CONTROL_HZ])
    return described
