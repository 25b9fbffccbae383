"""Rolls out a policy or the demonstrator in one scene, and films it."""

import pathlib
import shutil

from wtl.collection.episode_request import EpisodeRequest, EpisodeShard
from wtl.collection.scripted_expert import ScriptedExpert
from wtl.collection.worlds.entities import environment
from wtl.collection.worlds.entities.task import Task
from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.errors import UserError
from wtl.datasets.reading import reader
from wtl.datasets.storage import staging
from wtl.pipeline import player as players
from wtl.pipeline.run import Run
from wtl.pipeline.train import require_policy
from wtl.policies import methods as methods_lib
from wtl.policies.methods import CONDITIONS, METHODS, Condition, uses_human_videos
from wtl.viewer import movie, rendering

DEMONSTRATOR = "demonstrator"
_KEY = "play"


def play(
    run: Run,
    who: str,
    family: str,
    number: int,
    scene: int,
    split: str,
    out: pathlib.Path,
) -> str:
    """Plays what an evaluation would, in one scene, and films it.

    Args:
      run: whose policies play; the demonstrator needs none.
      who: name of a condition of an evaluation, or `DEMONSTRATOR`.
      family: of the task; any if empty.
      number: of the task among those.
      scene: of the task.
      split: of the tasks, `val` or `test`.
      out: an .mp4 or .svg file. Without OpenGL, or where the world has no cameras, a
        drawing from the states is written in place of an .mp4, ending in .svg.

    Returns:
      What is to be said: the task, how each episode went, and where the file is.

    Raises:
      UserError: if there is no such condition, task, scene or policy, or no
        demonstration, or the file is of another kind.
    """
    if out.suffix not in (".mp4", ".svg"):
        raise UserError(f"{out} is to be an .mp4 or .svg file")
    task = _task(run, family, number, split)
    if who == DEMONSTRATOR:
        takes = [_demonstrated(run, task, scene)]
    else:
        takes = _played(run, _condition(who), task, scene, split)
    out.parent.mkdir(parents=True, exist_ok=True)
    fps, note = run.suite.world.environment.control_hz, ""
    if out.suffix == ".mp4":
        try:
            movie.film(out, takes, fps)
        except rendering.RenderingError as error:
            out = out.with_suffix(".svg")
            note = f" (drawn from the states: {error})"
    if out.suffix == ".svg":
        out.write_text(movie.draw(takes, run.suite.layout, fps), encoding="utf-8")
    said = ", ".join(take.caption for take in takes)
    return f"{task.task_id}, {task.family}, {task.rule}: {said}\n{out}{note}"


def _task(run: Run, family: str, number: int, split: str) -> Task:
    tasks = [t for t in run.suite.tasks(split) if family in ("", t.family)]
    if not 0 <= number < len(tasks):
        named = f"of family {family!r} " if family else ""
        raise UserError(
            f"there is no task {number}: {split} has {len(tasks)} {named}"
            "(see suite and --family)"
        )
    return tasks[number]


def _condition(name: str) -> Condition:
    if name not in CONDITIONS:
        raise UserError(
            f"there is no {name!r} to play; known are {DEMONSTRATOR}, "
            f"{', '.join(CONDITIONS)}"
        )
    return CONDITIONS[name]


def _demonstrated(run: Run, task: Task, scene: int) -> movie.Take:
    scene_seed = run.suite.scene_seed(task, "evaluation", scene)
    request = EpisodeRequest(
        environment.Setup.by_rule(task, task.rule, scene_seed),
        episode_id=_KEY,
        role=fields.ROLE_DEMO,
        seed=seeding.derive_seed(run.seed, _KEY, task.task_id, scene),
        rule=str(task.rule),
    )
    played = EpisodeShard(ScriptedExpert(), (request,)).play()
    if not played:
        raise UserError(f"the scripted expert fails in scene {scene}; choose another")
    (episode,) = played
    return movie.Take("Demonstrator", episode, run.spec_of(fields.WTL_DEMOS))


def _played(
    run: Run, condition: Condition, task: Task, scene: int, split: str
) -> list[movie.Take]:
    conditions = [CONDITIONS[name] for name in condition.trials] + [condition]
    for each in conditions:
        require_policy(run, each.method)
    player = players.Player(
        run, _KEY, split, scene + 1, human=any(map(uses_human_videos, conditions))
    )
    which = [
        i
        for i, scenario in enumerate(player.scenarios)
        if (scenario.task.task_id, scenario.index) == (task.task_id, scene)
    ]
    if not which:
        raise UserError(f"scene {scene} of {task.task_id} is not demonstrated")
    takes = []
    if METHODS[condition.method].config.demos:
        takes.append(_shown(run, player, condition, which[0], split))
    spec = run.spec_of(players.NAME)
    folder = run.staging(players.NAME, _KEY)
    try:
        with staging.StagingWriter(folder, spec) as writer:
            for each in conditions:
                (episode,) = player.shard(each, which).play()
                writer.append(episode)
                caption = f"{methods_lib.label(each.name)}: {_outcome(episode)}"
                takes.append(movie.Take(caption, episode, spec))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return takes


def _shown(
    run: Run, player, condition: Condition, scenario: int, split: str
) -> movie.Take:
    store, rows = player.shown(condition)
    wanted = str(store[fields.EPISODE_ID][rows[scenario, 0]])
    name = fields.WTL_HUMAN_VIDEOS if uses_human_videos(condition) else fields.WTL_DEMOS
    for episode in reader.iterate_episodes(run.dataset(name), split):
        if episode.id == wanted:
            return movie.Take("Demonstration", episode, run.spec_of(name))
    raise UserError(f"{run.dataset(name)} has lost {wanted}")


def _outcome(episode: Episode) -> str:
    return "success" if episode.metadata[fields.SUCCESS] else "failure"
