"""Stages 2 and 4, and a second round of 4: training of the policies."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.limits import Count, Share
from wtl.pipeline import choices, perception
from wtl.pipeline.bindings import bound
from wtl.pipeline.run import Run, training_stage
from wtl.policies import interface
from wtl.policies.contextual.config import ROWS
from wtl.policies.maml.config import MamlConfig
from wtl.policies.methods import Method
from wtl.training import job as jobs
from wtl.training import process
from wtl.training.policy_config import config_for, network_settings
from wtl.training.train_config import EndToEndConfig, TrainConfig


def train_trial(
    run: Run,
    methods: Sequence[str] = ("mil", "bc", "oracle_task"),
    steps: Count | None = None,
    batch_size: Count | None = None,
    max_demos: Count = 1,
    privileged_labels: bool = False,
    perceived_labels: bool = False,
    end_to_end: bool = False,
):
    """Train the policies that are given demonstrations alone.

    With images, perception is trained first, under the scope `perception`.
    Networks are configured under the scope of their method, training under that of the
    stage; see `wtl.pipeline.bindings`.

    Args:
      run: the run.
      methods: names of `wtl.policies.methods.METHODS`, the longest training first.
      steps: gradient steps of each; `TrainConfig.steps` by default.
      batch_size: examples per step; `TrainConfig.batch_size` by default.
      max_demos: K, demonstrations given at most.
      privileged_labels: whether the simulator labels the entity that a demonstration
        acted on, rather than its states.
      perceived_labels: whether the states that label episodes are those estimated from
        images, rather than the simulator's. They say which entity an episode acted on,
        and which is which in other scenes.
      end_to_end: whether perception and policy are trained together afterwards, under
        `EndToEndConfig`.
    """
    records = _records("train_trial", methods)
    if run.images:
        for model in _models(records):
            perception.train(run, model)
    _train(
        run,
        "train_trial",
        records,
        {"max_demos": max_demos},
        _labels(run, "train_trial", privileged_labels, perceived_labels),
        {"steps": steps, "batch_size": batch_size},
        end_to_end,
    )


def train_retrial(
    run: Run,
    methods: Sequence[str] = ("wtl", "demo_hidden_at_retrial", "trial_only"),
    steps: Count | None = None,
    batch_size: Count | None = None,
    max_demos: Count = 1,
    min_trials: int = 1,
    max_trials: Count = 1,
    new_scene_share: Share = 0.2,
    privileged_labels: bool = False,
    perceived_labels: bool = False,
    end_to_end: bool = False,
):
    """Train the policies that are given trials.

    Arguments are those of `train_trial`, and `min_trials` and `max_trials`, the least
    and largest number of trials given (at least 0 for policies that make the first
    trial too), and `new_scene_share`, the share of retrials in another scene than their
    trials, which needs `suite.scenes_per_task` of 3 or more. Without methods the stage
    does nothing.
    """
    if min_trials not in (0, 1):
        raise UserError(f"train_retrial.min_trials is {min_trials}; it may be 0 or 1")
    _train(
        run,
        "train_retrial",
        _records("train_retrial", methods),
        {
            "max_demos": max_demos,
            "min_trials": min_trials,
            "max_trials": max_trials,
            "new_scene_share": new_scene_share,
        },
        _labels(run, "train_retrial", privileged_labels, perceived_labels),
        {"steps": steps, "batch_size": batch_size},
        end_to_end,
    )


def train_second_round(
    run: Run,
    methods: Sequence[str] = (),
    steps: Count | None = None,
    batch_size: Count | None = None,
    max_trials: Count = 2,
    new_scene_share: Share = 0.2,
):
    """Train policies that are given the episodes of `collect_retrials` beside trials.

    Arguments are those of `train_retrial`; `max_trials` counts trials of both rounds.
    """
    _train(
        run,
        "train_second_round",
        _records("train_second_round", methods),
        {"max_trials": max_trials, "new_scene_share": new_scene_share},
        {},
        {"steps": steps, "batch_size": batch_size},
        False,
    )


def _labels(run: Run, stage: str, privileged: bool, perceived: bool) -> dict[str, bool]:
    """Return the settings of labels; runs without images have one of them."""
    if perceived and not run.images:
        raise UserError(f"{stage}.perceived_labels needs a camera: set camera.pixels")
    if perceived and not run.suite.world.entities:
        raise UserError(
            f"{stage}.perceived_labels needs a world with entities to label; "
            f"suite.domain = {run.suite.domain!r} has none"
        )
    if perceived and privileged:
        raise UserError(
            f"{stage}.perceived_labels and {stage}.privileged_labels exclude each other"
        )
    labels = {"privileged_labels": privileged}
    return {**labels, "perceived_labels": perceived} if run.images else labels


def _require_features(run: Run, method: str, config: interface.Interface):
    """Check that the world has what the settings of a network are about.

    Raises:
      UserError: if it does not.
    """
    name, domain = f"{method}/{type(config).__name__}", run.suite.domain
    per_entity = getattr(config, "per_entity", False)
    if per_entity and not run.suite.world.entities:
        raise UserError(f"{name} is for entities, which world {domain!r} has not")
    if isinstance(config, MamlConfig) and per_entity and config.layout.ways > 1:
        raise UserError(
            f"{method} adapts a choice among entities, but a target of world "
            f"{domain!r} is an entity and a way of acting on it: set "
            f"{name}.per_entity = False"
        )
    if getattr(config, "state_noise", 0) and not config.layout.positions().any():
        raise UserError(
            f"{name}.state_noise is of positions, which world {domain!r} does not name"
        )


def _train(
    run: Run,
    stage: str,
    records: Sequence[Method],
    sampler: dict[str, Any],
    labels: dict[str, bool],
    settings: dict[str, Any],
    is_end_to_end: bool,
):
    if not records:
        return
    methods = [record.name for record in records]
    configs = {m: bound(config_for(m, run.suite), m) for m in methods}
    training = bound(TrainConfig(), stage, **settings)
    together = bound(EndToEndConfig(), stage) if is_end_to_end else None
    if together and not run.images:
        raise UserError(f"{stage}.end_to_end needs a camera: set camera.pixels")
    if together and any(config.compensation for config in configs.values()):
        raise UserError(
            f"{stage}.end_to_end does not train compensation; set "
            f"{stage}.end_to_end = False"
        )
    for method, config in configs.items():
        _require_features(run, method, config)
    rows = [m for m, c in configs.items() if getattr(c, "encoder", None) == ROWS]
    if together and rows:
        raise UserError(
            f"{stage}.end_to_end does not train encoder 'rows' (of {rows[0]}), which "
            "explains demonstrations by their states; set "
            f"{stage}.end_to_end = False"
        )
    if run.cluster and run.images:
        raise UserError(
            f"{stage} trains on images in one process alone: unset TF_CONFIG"
        )
    given = list(dict.fromkeys(name for record in records for name in _given(record)))
    models = [model.name for model in _models(records)] if run.images else []
    sources = {
        source
        for record in records
        for source in (record.trial_source, record.retrial_source)
        if source
    }
    inputs = run.inputs(*given, *models, *sorted(sources))
    is_given_trials = all(config.trials for config in configs.values())

    def work(key: str) -> dict[str, str]:
        if run.images:
            perception.perceive(run, given)
        planned = [
            _job(
                run,
                key,
                record,
                configs[record.name],
                sampler,
                labels,
                training,
                together,
            )
            for record in records
        ]
        # Processes that train together do one job after the other, in the same order.
        at_once = 1 if run.cluster else run.processes
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
            run.folder.record_policy(method, trained, key)
        return dict(zip(methods, ids, strict=True))

    run.do(
        stage,
        {
            "networks": {m: network_settings(config) for m, config in configs.items()},
            "sampler": sampler | labels,
            "training": dataclasses.asdict(training),
            "end_to_end": together and dataclasses.asdict(together),
        }
        | run.suite.layout.training_options
        | ({} if is_given_trials else run.trial_task_parameters),
        inputs,
        {m: lambda m=m: run.folder.policy_id(m) for m in methods},
        work,
        lambda folder: [
            kind / method
            for method in methods
            for kind in (folder.policies, folder.logs)
        ],
        lambda: len(methods) * training.steps * training.batch_size,
    )


def _records(stage: str, methods: Sequence[str]) -> list[Method]:
    """Records of the methods that a stage is to train."""
    return choices.trained_methods(
        f"{stage}.methods", methods, lambda m: training_stage(m.name) == stage
    )


def _models(records: Sequence[Method]) -> list[perception.Model]:
    """Perception models that methods need."""
    models = [m for record in records for m in perception.models_of(record.config)]
    return list(dict.fromkeys(models))


def _given(record: Method) -> list[str]:
    """Names of the datasets with which a method is trained."""
    needed = {
        fields.WTL_DEMOS: True,
        fields.WTL_HUMAN_VIDEOS: record.config.human,
        fields.WTL_TRIALS: record.config.trials,
        fields.WTL_RETRIALS: record.retrial_source,
    }
    return [name for name, is_needed in needed.items() if is_needed]


def _job(
    run: Run,
    key: str,
    record: Method,
    config: interface.Interface,
    sampler: dict[str, Any],
    labels: dict[str, bool],
    training: TrainConfig,
    together: EndToEndConfig | None,
) -> jobs.TrainJob:
    method, given = record.name, _given(record)
    suite = run.suite
    relabel = {
        "privileged_labels": labels.get("privileged_labels", False),
        "identity_share": suite.identity_share,
    }
    if suite.train_rules or suite.rule_weights:
        weights = suite.weights_of_kinds(fields.SPLIT_TRAIN)
        kinds = suite.world.entities.rule_kinds
        relabel["weights"] = [weights.get(kind, 0) for kind in kinds]
    directory = run.folder.policies / method
    if run.is_chief:
        directory = run.folder.claim_policy(method, key)
    return jobs.TrainJob(
        method=record,
        config=config,
        datasets={name: run.datasets.path(name) for name in given},
        trial_policy_id=run.folder.policy_id(record.trial_source),
        retrial_policy_id=run.folder.policy_id(record.retrial_source),
        world=suite.domain,
        relabel=relabel,
        sampler=sampler,
        training=training,
        seed=seeding.derive_seed(run.seed, "train", method),
        policy_dir=directory,
        log_dir=run.folder.logs / method,
        threads=1,
        end_to_end=together,
        cluster=run.cluster,
        perceived_labels=labels.get("perceived_labels", False),
        left_out_tasks=frozenset() if config.trials else run.trial_tasks(),
        **perception.job_fields(run, given),
    )
