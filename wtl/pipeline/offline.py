"""Evaluation without an environment: held-out actions against those of policies."""

import collections
import dataclasses
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from wtl.collection import context_builder, observation_encoder, policy_actor
from wtl.collection.episode_request import EpisodeRequest
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.progress import progress
from wtl.datasets.reading import reader
from wtl.datasets.reading.scaling import scaled
from wtl.datasets.reading.store import EpisodeStore, stack
from wtl.datasets.sampling.held_out import held_out
from wtl.evaluation import offline, reports
from wtl.pipeline import run_folder
from wtl.pipeline.run import Run
from wtl.policies import export
from wtl.policies.methods import METHODS
from wtl.training.policy_config import config_for

FOLDER = "evaluation/offline"
_BATCH = 16  # episodes whose scaled images are in memory at once
_SMALL = (8, 8)  # height and width, pixels


def evaluate_offline(run: Run) -> pathlib.Path:
    """Compare the actions of trained policies with those of held-out demonstrations.

    At each timestep a policy is given the recorded observation. Policies that are given
    a demonstration get another episode of the same task; where there are such policies,
    held-out episodes without another of their task are left out. Return the folder of
    the results.

    Raises:
      UserError: if no policy is trained, or no episode is held out.
    """
    methods = [
        name
        for name, method in METHODS.items()
        if method.is_trained
        # Recordings have no trials, and nothing privileged is known of them.
        and not (method.config.trials or method.config.human)
        and not (method.config.oracle or method.config.gains_given)
        and run.folder.policy_id(name)
    ]
    if not methods:
        run.require_policy("mil")
    given = run.inputs(fields.WTL_DEMOS, *methods)
    # Of another version the policies may know what is held out, or observe otherwise.
    trained = run.folder.lineage.get("train_trial", {}).get("inputs", given)
    if trained[fields.WTL_DEMOS] != given[fields.WTL_DEMOS]:
        raise UserError(
            f"the policies were trained on another version than "
            f"{run.datasets.path(fields.WTL_DEMOS)}: run `wtl train_trial` with this "
            "--run_dir again"
        )
    folder = run.folder.path / FOLDER

    def work(key: str) -> dict[str, Any]:
        del key
        data = HeldOut(
            run.datasets.require(fields.WTL_DEMOS),
            run.images,
            has_numbers=bool(run.suite.layout.parts),
            demos_given=any(METHODS[name].config.demos for name in methods),
        )
        found = {offline.REPLAY: list(data.replays())}
        for name in methods:
            found[name] = list(data.predictions(run, name))
        results = offline.results(found, data.spread, data.about(run))
        facts = {"run": run.folder.path.name, **run_folder.origin()}
        reports.write_offline(folder / "report.html", results, facts)
        return results

    results = run.do_results(
        "evaluate_offline",
        {"methods": methods},
        given,
        f"{FOLDER}/results.json",
        work,
    )
    print(offline.format_table(results))
    print(f"\nReport: {folder / 'report.html'}")
    return folder


class HeldOut:
    """Held-out demonstrations, and those that they are compared with.

    Attributes:
      test: held-out demonstrations.
      train: those that policies were trained on.
      split: what is held out, for the results.
    """

    def __init__(
        self,
        path: pathlib.Path,
        images: Mapping[str, tuple[int, int]],
        has_numbers: bool,
        demos_given: bool,
    ):
        """Read the demonstrations.

        Args:
          path: version folder of the dataset.
          images: height and width of the images that policies act on, by name.
          has_numbers: whether there are observations besides images.
          demos_given: whether policies are given another episode of the same task;
            held-out episodes without another one are left out then.

        Raises:
          UserError: if no episode is held out, or each is left out.
        """
        self._path, self._images = path, images
        # Without numbers the nearest demonstration is found by small images.
        small = dict.fromkeys(() if has_numbers else images, _SMALL)
        train = reader.read(self._path, fields.SPLIT_TRAIN, images=small)
        # The same as in training, which counts invalid episodes too.
        kept, valid = held_out(self._path, train), ~train[fields.INVALID]
        self.train, test = train.select(~kept & valid), train.select(kept & valid)
        self.split = "held-out tenth of train"
        for split in (fields.SPLIT_TEST, fields.SPLIT_VAL):
            if len(test):
                break
            test = reader.read(self._path, split, images=small)
            self.split = split
            test = test.select(~test[fields.INVALID])
        if not len(test):
            raise UserError(
                f"no episode of {self._path} is held out: no task has three, and all "
                "are of the split train; name one task for several with "
                "`wtl import --set=task_id=NAME`"
            )
        if demos_given:
            tasks = [*self.train[fields.TASK_ID], *test[fields.TASK_ID]]
            count = collections.Counter(tasks)
            alone = np.array([count[task] < 2 for task in test[fields.TASK_ID]])
            if alone.all():
                raise UserError(
                    f"no held-out episode of {self._path} has another one of its task, "
                    "which policies could be given; name one task for several with "
                    "`wtl import --set=task_id=NAME`"
                )
            if alone.any():
                print(
                    f"{alone.sum()} of {len(test)} held-out episodes are the only ones "
                    "of their tasks and are left out"
                )
            test = test.select(~alone)
        self.test = test

    @property
    def spread(self) -> np.ndarray:
        """[A] standard deviations of the actions of the training demonstrations."""
        steps = np.arange(self.train.action.shape[1])
        return self.train.action[steps < self.train.length[:, None] - 1].std(axis=0)

    def about(self, run: Run) -> dict[str, Any]:
        """Return the protocol, for the results."""
        return {
            "kind": "offline",
            "world": run.suite.world.name,
            "split": self.split,
            "episodes": len(self.test),
            "tasks": len(np.unique(self.test[fields.TASK_ID])),
            "steps": int((self.test.length - 1).sum()),
            "seed": run.seed,
            "training_seeds": [run.seed],
            "dimensions": list(run.suite.world.spec.axes),
        }

    def replays(self) -> Iterator[offline.Predicted]:
        """Yield each held-out episode with the actions of the nearest demonstration.

        It is the demonstration of the same task, if there is one, whose first state is
        nearest, or whose first images are if nothing else is observed. Its actions are
        replayed step by step.
        """
        train, test = self.train, self.test
        known, started = _first(train), _first(test)
        scale = np.maximum(known.std(axis=0), 1e-6)
        for row in range(len(test)):
            same = np.flatnonzero(train[fields.TASK_ID] == test[fields.TASK_ID][row])
            rows = same if len(same) else np.arange(len(train))
            away = (known[rows] - started[row]) / scale
            nearest = rows[(away**2).sum(axis=1).argmin()]
            steps = test.length[row] - 1
            last = train.length[nearest] - 2
            replayed = train.action[nearest, np.minimum(np.arange(steps), last)]
            yield offline.Predicted(test.action[row, :steps], replayed)

    def predictions(self, run: Run, method: str) -> Iterator[offline.Predicted]:
        """Yield each held-out episode with the actions of a policy."""
        policy = export.load(
            run.saved_policy(method), run.suite.layout.state_size, run.images
        )
        config = export.as_saved(config_for(method, run.suite), policy)
        encoder = observation_encoder.ObservationEncoder(policy, config.layout)
        given = self._given() if config.demos else {}
        batches = range(0, len(self.test), _BATCH)
        for start in progress(batches, desc=method, unit="batch"):
            rows = range(start, min(start + _BATCH, len(self.test)))
            names = [str(self.test[fields.EPISODE_ID][row]) for row in rows]
            shown = [given[name] for name in names] if given else []
            episodes = self._episodes({*names, *shown})
            store = stack([episodes[n] for n in shown], run.images) if shown else None
            builder = context_builder.ContextBuilder(config, encoder, demos=store)
            actor = policy_actor.PolicyActor(policy, builder, export.policy_id(policy))
            yield from _teacher_forced(actor, [episodes[n] for n in names], shown)

    def _given(self) -> dict[str, str]:
        """Id of the demonstration that is given for each held-out episode."""
        result = {}
        for row, name in enumerate(self.test[fields.EPISODE_ID].tolist()):
            task = self.test[fields.TASK_ID][row]
            known = _names(self.train, task) or _names(self.test, task)
            # None is its own demonstration: that would tell its actions.
            others = [other for other in known if other != name]
            result[name] = others[row % len(others)]
        return result

    def _episodes(self, names: set[str]) -> Mapping[str, Episode]:
        """Return episodes by id, with the policies' images alone, at their size."""
        return {
            episode.id: dataclasses.replace(
                episode,
                steps={
                    name: scaled(array, self._images[name])
                    if name in self._images
                    else array
                    for name, array in episode.steps.items()
                },
            )
            for episode in reader.iterate_episodes(self._path, episode_ids=names)
        }


def _first(store: EpisodeStore) -> np.ndarray:
    """Return the first observations [N, F] of episodes."""
    images = [image[:, 0].reshape(len(store), -1) for image in store.images.values()]
    return np.concatenate([store.state[:, 0], *images], axis=1, dtype=np.float32)


def _names(store: EpisodeStore, task: str) -> list[str]:
    return store[fields.EPISODE_ID][store[fields.TASK_ID] == task].tolist()


def _teacher_forced(
    actor: policy_actor.PolicyActor, episodes: Sequence[Episode], shown: Sequence[str]
) -> Iterator[offline.Predicted]:
    """Yield the actions of a policy at the recorded observations of episodes."""
    steps = [len(episode) - 1 for episode in episodes]

    def at(name: str, time: int) -> np.ndarray:
        # Finished episodes repeat their last step, which is cut off below.
        rows = [e.steps[name][min(time, n - 1)] for e, n in zip(episodes, steps)]
        return np.stack(rows)

    names = [n for n in episodes[0].steps if n not in fields.STEP_FIELDS]
    has_density = actor.builder.config.has_density
    actions, likelihoods = [], []
    for time in range(max(steps)):
        observed = {name: at(name, time) for name in names}
        if time == 0:
            requests = [
                EpisodeRequest(None, "", fields.ROLE_EVAL, demo_ids=tuple(given))
                for given in ([[n] for n in shown] or [[]] * len(episodes))
            ]
            actor.begin(None, requests, observed)
        if has_density:
            action = at(fields.ACTION, time)
            likelihoods.append(actor.log_likelihood(observed, action))
        actions.append(actor.act(observed)[0])
    for i, episode in enumerate(episodes):
        yield offline.Predicted(
            episode.steps[fields.ACTION][: steps[i]],
            np.stack(actions)[: steps[i], i],
            np.stack(likelihoods)[: steps[i], i] if has_density else None,
        )
