"""Stages 2 and 4, and 4 again after a second round: train the policies."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract.errors import UserError
from wtl.pipeline import perception
from wtl.pipeline.run import Run
from wtl.policies import interface
from wtl.policies.methods import METHODS
from wtl.training import end_to_end, process, trainer
from wtl.training import job as jobs

# Arguments of the sampler that came later, with what they amounted to before.
_LATER = {"privileged_labels": False, "min_trials": 1}


def train_trial(
    run: Run,
    methods: Sequence[str] = ("mil", "bc", "oracle_task"),
    steps: int = 4000,
    max_demos: int = 1,
    privileged_labels: bool = False,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    perception_config: Mapping[str, Any] | None = None,
    end_to_end: Mapping[str, Any] | None = None,
    **config: Any,
):
    """Trains the policies that need demonstrations alone.

    Where there is a camera, perception is trained first.

    Args:
      run: the run.
      methods: names of `wtl.policies.methods.METHODS`, the longest training first.
      steps: gradient steps of each.
      max_demos: K, demonstrations shown at most.
      privileged_labels: whether the simulator is asked which entity demonstrations
        acted on, rather than their states.
      overrides: by method, fields of its network's config that differ from those of
        `wtl.policies.methods`.
      perception_config: fields of `wtl.training.trainer.TrainConfig` for perception.
      end_to_end: fields of `wtl.training.end_to_end.EndToEndConfig`, where perception
        and policy shall be trained together afterwards.
      **config: further fields of `wtl.training.trainer.TrainConfig`.
    """
    if run.pixels:
        for eyes in _eyes(methods):
            perception.train(run, eyes, dict(perception_config or {}))
    _train(
        run,
        "train_trial",
        methods,
        _sampling(max_demos=max_demos, privileged_labels=privileged_labels),
        {"steps": steps, **config},
        overrides or {},
        end_to_end,
    )


def train_retrial(
    run: Run,
    methods: Sequence[str] = ("wtl", "demo_hidden_at_retrial", "trial_only"),
    steps: int = 4000,
    max_demos: int = 1,
    min_trials: int = 1,
    max_trials: int = 1,
    new_scene_share: float = 0.2,
    privileged_labels: bool = False,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    end_to_end: Mapping[str, Any] | None = None,
    **config: Any,
):
    """Trains the policies that see trials.

    Args:
      run: the run.
      methods: names of `policies.methods.METHODS`, the longest training first; without
        any there is nothing to do.
      steps: gradient steps of each.
      max_demos: K, demonstrations shown at most.
      min_trials: trials shown at least: 1, or 0 for policies that make the first try
        too.
      max_trials: L, trials shown at most.
      new_scene_share: share of retrials in another scene than their trials.
      privileged_labels: as in `train_trial`.
      overrides: as in `train_trial`.
      end_to_end: as in `train_trial`.
      **config: further fields of `wtl.training.trainer.TrainConfig`.
    """
    if min_trials not in (0, 1):
        raise UserError(f"train_retrial.min_trials is {min_trials}; it may be 0 or 1")
    _train(
        run,
        "train_retrial",
        methods,
        _sampling(
            max_demos=max_demos,
            min_trials=min_trials,
            max_trials=max_trials,
            new_scene_share=new_scene_share,
            privileged_labels=privileged_labels,
        ),
        {"steps": steps, **config},
        overrides or {},
        end_to_end,
    )


def train_second_round(
    run: Run,
    methods: Sequence[str] = (),
    steps: int = 4000,
    max_trials: int = 2,
    new_scene_share: float = 0.2,
    **config: Any,
):
    """Trains policies that see what `collect_retrials` made, beside trials.

    Args:
      run: the run.
      methods: as in `train_retrial`; without any there is nothing to do.
      steps: gradient steps of each.
      max_trials: L, trials of both rounds shown at most.
      new_scene_share: as in `train_retrial`.
      **config: further fields of `wtl.training.trainer.TrainConfig`.
    """
    _train(
        run,
        "train_second_round",
        methods,
        _sampling(max_trials=max_trials, new_scene_share=new_scene_share),
        {"steps": steps, **config},
        {},
        None,
    )


def _sampling(**given: Any) -> dict[str, Any]:
    """Arguments of the sampler; without what finished runs did not know."""
    return {n: v for n, v in given.items() if n not in _LATER or v != _LATER[n]}


def policy_id(run: Run, method: str) -> str | None:
    """Id of a trained policy of this run, None where there is none."""
    path = run.folder.policies / METHODS[method].folder / "policy.json"
    if not path.exists():
        return None
    return json.loads(path.read_text())["policy_id"]


def require_policy(run: Run, method: str) -> str:
    """Id of a trained policy of this run.

    Raises:
      UserError: if it has not been trained.
    """
    found = policy_id(run, method)
    if found is None:
        raise UserError(
            f"the policy `{METHODS[method].folder}` is missing in {run.folder.path}; "
            f"run `wtl {_stage_of(method)}` with this --run_dir first"
        )
    return found


def _stage_of(method: str) -> str:
    """The stage in which a method is trained."""
    if METHODS[method].retrial_source:
        return "train_second_round"
    return "train_retrial" if METHODS[method].config.trials else "train_trial"


def _train(
    run: Run,
    stage: str,
    methods,
    sampler: dict,
    config: dict,
    overrides: Mapping,
    together: Mapping | None,
):
    if not methods:
        return
    try:
        trainer.TrainConfig(**config)
        end_to_end.EndToEndConfig(**(together or {}))
    except TypeError as error:
        raise UserError(f"{stage} is configured wrongly: {error}") from error
    if together is not None and not run.pixels:
        raise UserError(f"{stage}.end_to_end needs a camera: set camera.pixels")
    if run.cluster and run.pixels:
        raise UserError(
            f"{stage} trains on images in one process alone: unset TF_CONFIG"
        )
    for method in methods:
        if method not in METHODS:
            raise UserError(
                f"{stage}.methods names {method!r}; known are {', '.join(METHODS)}"
            )
    _check_overrides(stage, methods, overrides)
    unknown = [method for method in methods if _stage_of(method) != stage]
    if unknown:
        raise UserError(f"{stage} can't train {', '.join(unknown)}: wrong stage")
    inputs = {fields.WTL_DEMOS: _fingerprint(run, fields.WTL_DEMOS)}
    if any(METHODS[method].config.human for method in methods):
        name = fields.WTL_HUMAN_VIDEOS
        inputs[name] = _fingerprint(run, name)
    if run.pixels:
        for eyes in _eyes(methods):
            inputs[eyes.name] = perception.require(run, eyes)
    if stage != "train_trial":
        inputs[fields.WTL_TRIALS] = _fingerprint(run, fields.WTL_TRIALS)
    if stage == "train_second_round":
        inputs[fields.WTL_RETRIALS] = _fingerprint(run, fields.WTL_RETRIALS)
    for method in methods:
        for source in (METHODS[method].trial_source, METHODS[method].retrial_source):
            if source:
                inputs[source] = require_policy(run, source)

    def work(key: str) -> dict[str, str]:
        if run.pixels:
            perception.perceive(run, [n for n in inputs if n.startswith("wtl_")])
        planned = [
            _job(run, key, m, sampler, config, dict(overrides.get(m, {})), together)
            for m in methods
        ]
        # Several that train together do one job after the other, in the same order.
        at_once = 1 if run.cluster else run.workers
        threads = max(run.workers // min(at_once, len(planned)), 1)
        planned = [
            dataclasses.replace(job, threads=threads, row=row)
            for row, job in enumerate(planned)
        ]
        ids = process.run_all(planned, at_once)
        if not run.is_chief:
            return {}
        if run.cluster:
            alone = [dataclasses.replace(job, cluster=None) for job in planned]
            ids = process.run_all(alone, at_once)
        for method, trained in zip(methods, ids, strict=True):
            run.folder.write(
                f"policies/{METHODS[method].folder}/policy.json",
                json.dumps({"method": method, "policy_id": trained, "key": key}),
            )
        return dict(zip(methods, ids, strict=True))

    run.do(
        stage,
        # Without these the key is that of runs made before there were any.
        {"methods": list(methods), **sampler, **config}
        | ({"overrides": overrides} if overrides else {})
        | ({"end_to_end": dict(together)} if together is not None else {}),
        inputs,
        {m: lambda m=m: policy_id(run, m) for m in methods},
        work,
        lambda folder: [
            kind / METHODS[method].folder
            for method in methods
            for kind in (folder.policies, folder.logs)
        ],
    )


def _eyes(methods: Sequence[str]) -> list[perception.Eyes]:
    """All that some of the methods see with; those unknown are complained of later."""
    known = [METHODS[method].config for method in methods if method in METHODS]
    return list(dict.fromkeys(e for c in known for e in perception.eyes_of(c)))


def _check_overrides(stage: str, methods: Sequence[str], overrides: Mapping):
    for method, given in overrides.items():
        if method not in methods:
            raise UserError(f"{stage}.overrides names {method!r}, which is not trained")
        config = METHODS[method].config
        # Stages read the interface off METHODS, all but what evaluation reads off the
        # saved policy.
        known = {f.name for f in dataclasses.fields(config)} - {
            f.name for f in dataclasses.fields(interface.Interface)
        }
        if config.trials:
            known |= set(interface.OF_TRIALS)
        for name in given:
            if name not in known:
                raise UserError(
                    f"{stage}.overrides names {name!r} of {method}; known are "
                    f"{', '.join(sorted(known))}"
                )
        try:
            dataclasses.replace(config, **given)
        except ValueError as error:
            raise UserError(f"{stage}.overrides of {method}: {error}") from error


def _fingerprint(run: Run, name: str) -> str:
    run.dataset(name)
    return run.dataset_fingerprint(name)


def _job(
    run: Run,
    key: str,
    method: str,
    sampler: dict,
    config: dict,
    overrides: dict,
    together: Mapping | None,
) -> jobs.TrainJob:
    spec = METHODS[method]
    directory = run.folder.policies / spec.folder
    if run.is_chief:
        directory = run.folder.claim_policy(spec.folder, key)
    return jobs.TrainJob(
        method=method,
        suite=run.suite,
        demos_dir=run.dataset(fields.WTL_DEMOS),
        trials_dir=run.dataset(fields.WTL_TRIALS) if spec.config.trials else None,
        trial_policy_id=policy_id(run, spec.trial_source) if spec.trial_source else "",
        retrials_dir=run.dataset(fields.WTL_RETRIALS) if spec.retrial_source else None,
        retrial_policy_id=(
            policy_id(run, spec.retrial_source) if spec.retrial_source else ""
        ),
        sampler={"identity_share": run.suite.identity_share, **sampler},
        config=config,
        overrides=overrides,
        seed=seeding.derive_seed(run.seed, "train", method),
        policy_dir=directory,
        log_dir=run.folder.logs / spec.folder,
        threads=1,
        videos_dir=(
            run.dataset(fields.WTL_HUMAN_VIDEOS) if spec.config.human else None
        ),
        end_to_end=None if together is None else dict(together),
        cluster=run.cluster,
        **perception.sight(run, spec.config),
    )
