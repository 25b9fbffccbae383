"""Teaching: a visitor demonstrates, the policies of a run try, and try again."""

import asyncio
import contextlib
import pathlib
import tempfile
from collections.abc import Iterator, Sequence

from wtl.api.policies import load_policy
from wtl.collection.episode_request import EpisodeRequest, EpisodeShard
from wtl.collection.teleop import simulation
from wtl.collection.teleop.console import Console
from wtl.collection.vector_environment import (
    ProcessVectorEnvironment,
    VectorEnvironment,
)
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode, EpisodeSpec
from wtl.datasets.reading.reader import EpisodesById
from wtl.pipeline import run_folder
from wtl.pipeline.own_policy import OwnPolicyActor
from wtl.pipeline.run import Run
from wtl.policies.methods import METHODS
from wtl.policies.methods.record import Method
from wtl.teach import server
from wtl.teach.films import Films
from wtl.teach.keeper import Keeper
from wtl.teach.lessons import Lessons, Recorded
from wtl.teach.teacher import HUMAN, ROBOT, Learner, Teacher
from wtl.viewer.render_process import RenderProcess

SPLIT = fields.SPLIT_TEST
_DATASETS = {ROBOT: fields.WTL_DEMOS, HUMAN: fields.WTL_HUMAN_VIDEOS}


def teach(run: Run, out: pathlib.Path, host: str, port: int) -> int:
    """Serve a page on which visitors teach held-out tasks, until interrupted.

    Args:
      run: gives tasks, recorded demonstrations and policies.
      out: folder of what visitors keep.
      host: address to listen on.
      port: 0 takes a free one.

    Returns:
      The number of episodes that were kept.

    Raises:
      UserError: if a policy or all demonstrations are missing, or the address is not
        available.
    """
    run.require_capability("make_env", "teach")
    methods = _methods(run)
    recorded = {source: _recorded(run, source) for source in methods}
    print("Loading the policies ...", flush=True)
    learners = {source: _learner(run, method) for source, method in methods.items()}
    keeper = Keeper(out, lambda name: _kept_spec(run, name))
    world = run.suite.world
    with contextlib.ExitStack() as stack:
        by_hand = stack.enter_context(tempfile.TemporaryDirectory())
        renderer = stack.enter_context(contextlib.closing(RenderProcess()))
        environments = stack.enter_context(_environments(run))
        connection = None
        if world.teleop and ROBOT in learners:
            assignment = simulation.Assignment(
                world=world.name,
                requests=(),
                staging=by_hand,
                spec=_kept_spec(run, fields.WTL_DEMOS),
                camera=run.camera,
                size=run.suite.size,
            )
            connection = stack.enter_context(simulation.started(assignment))

        def play(
            policy, request: EpisodeRequest, demo: Episode, trials: Sequence[Episode]
        ) -> Episode:
            given = {episode.id: episode for episode in (demo, *trials)}
            actor = OwnPolicyActor(policy, world.spec.action, given, given)
            (played,) = EpisodeShard(actor, (request,)).play_in(environments)
            return played

        teacher = Teacher(
            run.suite,
            run.seed,
            Lessons(run.suite, SPLIT, recorded),
            recorded,
            learners,
            environments,
            play,
            keeper.keep,
        )
        films = Films(world, run.suite.layout, run.datasets.spec, renderer)
        console = connection and Console(connection, world.name, server.VERBS)
        served = server.TeachServer(teacher, films, console, by_hand)
        try:
            asyncio.run(server.serve(served, console, host, port))
        finally:
            if keeper.count:
                print(f"publishing {keeper.count} kept episodes", flush=True)
                keeper.publish({"seed": run.seed, **run_folder.origin()})
    return keeper.count


def _methods(run: Run) -> dict[str, Method]:
    """Return retrial methods whose policies the run has, by source of demonstrations.

    Raises:
      UserError: if there are none.
    """
    retrials = [
        method
        for method in METHODS.values()
        if method.is_trained
        and method.trial_source
        and not method.retrial_source
        and method.config.demos
    ]
    found: dict[str, Method] = {}
    for method in retrials:
        source = HUMAN if method.config.human else ROBOT
        if run.has_policy(method.name) and run.has_policy(method.trial_source):
            found.setdefault(source, method)
    if not found:
        for name in (retrials[0].trial_source, retrials[0].name):
            run.require_policy(name)
    return found


def _learner(run: Run, method: Method) -> Learner:
    names = method.trial_source, method.name
    for name in names:
        run.require_policy(name)
    trial, retrial = (load_policy(run.folder.policies / name) for name in names)
    return Learner(trial, retrial, tuple(METHODS[name].label for name in names))


def _recorded(run: Run, source: str) -> Recorded:
    path = run.datasets.require(_DATASETS[source])
    return Recorded(run.datasets.read(_DATASETS[source], SPLIT), EpisodesById(path))


def _kept_spec(run: Run, name: str) -> EpisodeSpec:
    return run.datasets.spec(name, by_hand=name == fields.WTL_DEMOS)


@contextlib.contextmanager
def _environments(
    run: Run,
) -> Iterator[VectorEnvironment | ProcessVectorEnvironment]:
    if not (run.camera or run.suite.world.images):
        yield VectorEnvironment()
        return
    # Mesa and TensorFlow in one process crash: another one renders.
    with ProcessVectorEnvironment(1, run.camera) as process:
        yield process
