"""Video of a policy or of the scripted expert in one scene."""

import pathlib
import shutil

from wtl.collection.episode_request import EpisodeRequest, EpisodeShard
from wtl.collection.scripted_expert import ScriptedExpert
from wtl.collection.worlds.world import Task
from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.errors import UserError
from wtl.datasets.reading import reader
from wtl.datasets.storage import staging
from wtl.pipeline import choices
from wtl.pipeline import player as players
from wtl.pipeline.run import Run
from wtl.policies import methods as methods_lib
from wtl.policies.methods import CONDITIONS, METHODS, Condition, uses_human_videos
from wtl.viewer import episode_video, render_process
from wtl.viewer.episode_video import CaptionedEpisode

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
    """Play one scene as an evaluation does, and write a video.

    Args:
      run: gives the policies; the scripted expert needs none.
      who: name of a condition of an evaluation, or `DEMONSTRATOR`.
      family: of the task; any if empty.
      number: of the task among those.
      scene: of the task.
      split: of the tasks, `val` or `test`.
      out: an .mp4 or .svg file. Without OpenGL, or in a world without renderer and
        images, a drawing from the states is written in place of an .mp4, ending in
        .svg.

    Returns:
      A message: the task, the outcome of each episode, and the file.

    Raises:
      UserError: if there is no such condition, task, scene or policy, no demonstration,
        or nothing to show in a file of this type.
    """
    run.require_capability("make_env", "play")
    if out.suffix not in (".mp4", ".svg"):
        raise UserError(f"{out} must be an .mp4 or .svg file")
    world, drawable = run.suite.world, run.suite.layout.drawing is not None
    if not drawable and not (world.images and out.suffix == ".mp4"):
        raise UserError(
            f"{out} can't show the world {world.name!r}, which has no drawing"
            + ("; use .mp4 for its images" if world.images else " and no images")
        )
    choices.check("--who", [who], [DEMONSTRATOR, *CONDITIONS])
    if family:
        choices.check("--family", [family], run.suite.family_names)
    task = _task(run, family, number, split)
    if who == DEMONSTRATOR:
        run.require_capability("expert", f"play --who={who}")
        shown = [_demonstrated(run, task, scene)]
    else:
        shown = _played(run, CONDITIONS[who], task, scene, split)
    out.parent.mkdir(parents=True, exist_ok=True)
    note = ""
    if out.suffix == ".mp4":
        try:
            episode_video.write(out, shown, world)
        except render_process.RenderingError as error:
            out = out.with_suffix(".svg")
            note = f" (drawn from the states: {error})"
    if out.suffix == ".svg":
        hz = world.spec.control_hz
        drawing = episode_video.draw(shown, run.suite.layout, hz)
        out.write_text(drawing, encoding="utf-8")
    captions = ", ".join(each.caption for each in shown)
    named = ", ".join(filter(None, (task.task_id, task.family, str(task.rule or ""))))
    return f"{named}: {captions}\n{out}{note}"


def _task(run: Run, family: str, number: int, split: str) -> Task:
    tasks = [t for t in run.suite.tasks(split) if family in ("", t.family)]
    if not 0 <= number < len(tasks):
        named = f"of family {family!r} " if family else ""
        raise UserError(
            f"there is no task {number}: {split} has {len(tasks)} {named}"
            "(see suite and --family)"
        )
    return tasks[number]


def _demonstrated(run: Run, task: Task, scene: int) -> CaptionedEpisode:
    scene_seed = run.suite.scene_seed(task, "evaluation", scene)
    request = EpisodeRequest(
        task.scene(scene_seed),
        episode_id=_KEY,
        role=fields.ROLE_DEMO,
        seed=seeding.derive_seed(run.seed, _KEY, task.task_id, scene),
        rule=str(task.rule),
    )
    played = EpisodeShard(ScriptedExpert(), (request,)).play()
    if not played:
        raise UserError(f"the scripted expert fails in scene {scene}; choose another")
    (episode,) = played
    spec = run.datasets.spec(fields.WTL_DEMOS)
    return CaptionedEpisode("Scripted expert", episode, spec)


def _played(
    run: Run, condition: Condition, task: Task, scene: int, split: str
) -> list[CaptionedEpisode]:
    conditions = [CONDITIONS[name] for name in condition.trials] + [condition]
    for each in conditions:
        run.require_policy(each.method)
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
    shown = []
    if METHODS[condition.method].config.demos:
        shown.append(_shown(run, player, condition, which[0], split))
    spec = run.datasets.spec(players.NAME)
    folder = run.datasets.staging(players.NAME, _KEY)
    try:
        with staging.StagingWriter(folder, spec) as writer:
            for each in conditions:
                (episode,) = player.shard(each, which).play()
                writer.append(episode)
                caption = f"{methods_lib.label(each.name)}: {_outcome(episode)}"
                shown.append(CaptionedEpisode(caption, episode, spec))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return shown


def _shown(
    run: Run, player, condition: Condition, scenario: int, split: str
) -> CaptionedEpisode:
    store, rows = player.shown(condition)
    wanted = str(store[fields.EPISODE_ID][rows[scenario, 0]])
    name = fields.WTL_HUMAN_VIDEOS if uses_human_videos(condition) else fields.WTL_DEMOS
    for episode in reader.iterate_episodes(run.datasets.path(name), split):
        if episode.id == wanted:
            return CaptionedEpisode("Demonstration", episode, run.datasets.spec(name))
    raise UserError(f"{run.datasets.path(name)} holds no episode {wanted}")


def _outcome(episode: Episode) -> str:
    return "success" if episode.metadata[fields.SUCCESS] else "failure"
