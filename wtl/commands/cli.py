"""The command line."""

import argparse
import contextlib
import errno
import os
import pathlib
import shlex
import signal
import sys
import traceback

from wtl import notices
from wtl.commands import compare, dataset
from wtl.datasets.contract.errors import UserError

_STAGES = {
    "collect_demos": "play scripted demonstrations into RUN/datasets/wtl_demos",
    "collect_human_videos": "film a simulated human doing the same tasks, if asked for",
    "train_trial": "train the policies that see demonstrations alone",
    "collect_trials": "roll the trial policy out into RUN/datasets/wtl_trials",
    "train_retrial": "train the policies that see trials",
    "collect_retrials": "roll the retrial policy out on training tasks, if asked for",
    "train_second_round": "train the policies that see these too, if asked for",
    "evaluate": "measure success on held-out tasks; write the report",
    "run": "all of these in order, skipping what is done and unchanged",
    "reinforce": "learn held-out tasks by trial and error, to compare with WTL",
    "meta_rl": "train and measure PEARL or RL², which learn from trials alone",
}
# Stages that play episodes independent of one another, and `run`, which has them.
_PLAYING = (
    "collect_demos",
    "collect_human_videos",
    "collect_trials",
    "evaluate",
    "run",
)
# Stages that several processes may do together, each started with the same command.
_TRAINING = ("train_trial", "train_retrial")


def main(arguments: list[str] | None = None) -> None:
    """Runs a command and exits; code 0 only if what was asked for is done."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        sys.exit(options.command(options))
    except KeyboardInterrupt:
        print(
            "\nwtl: interrupted; the same command goes on where it stopped",
            file=sys.stderr,
        )
        sys.exit(130)
    except Exception as error:  # the last resort: every error is one line
        if options.verbosity > 0:
            traceback.print_exc()
        print(f"wtl: {_line(error)}", file=sys.stderr)
        sys.exit(1)


def _terminate(*_):
    # Ends like Ctrl-C, so that worker processes end too.
    raise KeyboardInterrupt


def _line(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "the disk is full; free some space and run the same command again"
    # Gin adds where in memory the function is that it called.
    text = " ".join(str(error).partition("\n  In call to configurable")[0].split())
    named = type(error).__module__.startswith(
        ("wtl.", "datasets.", "collection.", "policies.")
    )
    if named:
        return text
    return f"{type(error).__name__}: {text} (--verbosity=1 shows where)"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wtl", description="Watch a demonstration, try once, learn from both."
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, summary in _STAGES.items():
        command = _add(commands, name, summary, _stage)
        command.set_defaults(
            stage=name, compare=None, out=None, runner="direct", pipeline_options=""
        )
        given = command.add_mutually_exclusive_group(required=True)
        if name == "evaluate":
            compare.add(command, given)
        _add_run(command, given)
        if name in _PLAYING:
            _add_runner(command)
    teleop = _add(
        commands, "teleop", "record demonstrations by hand, in the browser", _teleop
    )
    _add_run(teleop, teleop.add_mutually_exclusive_group(required=True))
    _add_address(teleop, 8765)
    play = _add(commands, "play", "film a policy or the demonstrator", _play)
    _add_run(play, play.add_mutually_exclusive_group(required=True))
    play.add_argument(
        "--who",
        default="wtl",
        metavar="ARM",
        help="demonstrator, or an arm of the evaluation as wtl (default), mil, bc; "
        "its demonstration and trials are filmed beside it",
    )
    play.add_argument("--split", choices=("val", "test"), default="test")
    play.add_argument("--family", default="", help="of the task; any by default")
    play.add_argument("--task", type=int, default=0, help="number of the task")
    play.add_argument("--scene", type=int, default=0, help="number of its scene")
    play.add_argument(
        "--out",
        type=pathlib.Path,
        help="FILE.mp4 or FILE.svg; by default RUN/play/ARM.mp4",
    )
    verify = _add(commands, "verify", "check a dataset's every episode", _verify)
    verify.add_argument("dataset_dir", help="RUN/datasets/NAME[/VERSION]")
    view = _add(
        commands, "view", "look at datasets in the browser, and mend them", _view
    )
    view.add_argument(
        "path", metavar="DATASET", help="RUN, or RUN/datasets/NAME[/VERSION]"
    )
    _add_address(view, 8766)
    publish = _add(
        commands,
        "publish",
        "put datasets and policies where others can fetch them",
        _publish,
    )
    publish.add_argument(
        "source", help="RUN, RUN/datasets/NAME[/VERSION] or RUN/policies/NAME"
    )
    publish.add_argument(
        "destination",
        metavar="DEST",
        help="a folder (as that of a web server) or s3://BUCKET/…; versions go to "
        "DEST/NAME/VERSION, policies to DEST/policies/NAME/ID",
    )
    fetch = _add(
        commands, "fetch", "get a published version, or what is missing of it", _fetch
    )
    fetch.add_argument(
        "source",
        metavar="URL",
        help="https://…/NAME/VERSION, s3://BUCKET/…/NAME/VERSION or a folder",
    )
    fetch.add_argument(
        "root", metavar="DEST", help="the version becomes DEST/NAME/VERSION"
    )
    _add(commands, "doctor", "say what this machine can do", _doctor)
    importer = _add(
        commands, "import_videos", "make a dataset of videos of people", _import_videos
    )
    importer.add_argument(
        "folder", metavar="DIR", help="holds videos/*.mp4 and tasks.csv"
    )
    importer.add_argument(
        "--out", required=True, help="where datasets are published, as RUN/datasets"
    )
    importer.add_argument(
        "--pixels", type=int, default=64, help="height and width of the images"
    )
    importer.add_argument(
        "--encoding", choices=("png", "jpeg"), default="png", help="how they are stored"
    )
    dataset.add(commands, _add)
    ablate = _add(
        commands, "ablate", "run configurations that differ from a base", _ablate
    )
    ablate.add_argument(
        "--gin_dir",
        required=True,
        help="holds base.gin and what differs from it, see gin_configs/ablations",
    )
    ablate.add_argument(
        "--run_dir", default="runs/ablations", help="by default runs/ablations"
    )
    _add_bindings(ablate)
    ablate.add_argument(
        "--only", default="", metavar="A,B", help="some of them, beside the base"
    )
    return parser


def _add(commands, name: str, summary: str, function) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=summary, description=summary)
    command.add_argument(
        "--verbosity", type=int, default=0, help="1 shows tracebacks and logs"
    )
    command.set_defaults(command=function)
    return command


def _add_run(command: argparse.ArgumentParser, given):
    """Adds what names a run; `given` is the group that the configuration belongs to."""
    given.add_argument("--gin_file", help="configuration, see gin_configs/")
    _add_bindings(command)
    command.add_argument(
        "--run_dir",
        help="run folder; by default runs/ and the name of the gin file",
    )


def _add_bindings(command: argparse.ArgumentParser):
    command.add_argument(
        "--gin_bindings",
        action="append",
        default=[],
        metavar="'a.b=c'",
        help="overrides a line of the configuration; may be repeated",
    )


def _add_address(command: argparse.ArgumentParser, port: int):
    command.add_argument(
        "--port", type=int, default=port, help=f"default {port}; 0 takes a free one"
    )
    command.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on, by default this machine's own; others ask "
        "browsers for the token in the address that is printed",
    )


def _add_runner(command: argparse.ArgumentParser):
    command.add_argument(
        "--runner",
        choices=("direct", "beam"),
        default="direct",
        help="who plays episodes: processes of this machine, or Apache Beam",
    )
    command.add_argument(
        "--pipeline_options",
        default="",
        metavar="'--a=b …'",
        help="Beam's own, as '--runner=FlinkRunner'; by default it starts run.workers "
        "processes here (docs/scaling.md)",
    )


@contextlib.contextmanager
def _run(options, pipeline_options: list[str] | None = None, together: bool = False):
    """The module of the stages, and the run that the options name."""
    notices.quiet(options.verbosity)
    with notices.Dropped(options.verbosity):
        from wtl.pipeline import stages
    stages.configure(options.gin_file, options.gin_bindings)
    run_dir = options.run_dir or f"runs/{pathlib.Path(options.gin_file).stem}"
    with stages.open_run(run_dir, pipeline_options, together) as run:
        yield stages, run


def _stage(options) -> int:
    if options.compare:
        return compare.run(options)
    if options.out:
        raise UserError("--out goes with --compare")
    pipeline_options = None
    if options.runner == "beam":
        pipeline_options = shlex.split(options.pipeline_options)
    elif options.pipeline_options:
        raise UserError("--pipeline_options are Beam's: add --runner=beam")
    together = options.stage in _TRAINING
    with _run(options, pipeline_options, together) as (stages, run):
        names = list(stages.STAGES) if options.stage == "run" else [options.stage]
        stages.perform(run, names)
    return 0


def _teleop(options) -> int:
    with _run(options) as (stages, run):
        stages.teleop(run, options.host, options.port)
    return 0


def _play(options) -> int:
    with _run(options) as (_, run):
        from wtl.pipeline import play

        out = options.out or run.folder.path / "play" / f"{options.who}.mp4"
        of = (options.family, options.task, options.scene, options.split)
        print(play.play(run, options.who, *of, out))
    return 0


def _ablate(options) -> int:
    notices.quiet(options.verbosity)
    with notices.Dropped(options.verbosity):
        from wtl.evaluation import ablation
        from wtl.pipeline import ablate

    results = ablate.ablate(
        options.gin_dir,
        options.run_dir,
        options.gin_bindings,
        [name for name in options.only.split(",") if name],
        _line,
    )
    print(f"\n{ablation.format_table(results)}")
    print(f"\nThe same: {pathlib.Path(options.run_dir) / 'ablations.md'}")
    failed = results["failed"]
    if failed:
        print(f"wtl: {len(failed)} failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


def _verify(options) -> int:
    notices.quiet(options.verbosity)
    from wtl.datasets.storage import verify

    problems = verify.verify(options.dataset_dir)
    for problem in problems:
        print(problem)
    if problems:
        print(
            f"wtl: {len(problems)} problems in {options.dataset_dir}", file=sys.stderr
        )
        return 1
    print(f"{options.dataset_dir} is sound")
    return 0


def _view(options) -> int:
    notices.quiet(options.verbosity)
    from wtl.pipeline import view

    pending = view.view(options.path, options.host, options.port)
    if pending:
        print(
            f"{pending} edited episodes are not published; the same command shows them"
        )
    return 0


def _publish(options) -> int:
    notices.quiet(options.verbosity)
    with notices.Dropped(options.verbosity):
        from wtl.pipeline import publication

    for done in publication.publish(options.source, options.destination):
        print(done)
    return 0


def _fetch(options) -> int:
    notices.quiet(options.verbosity)
    from wtl.datasets.hosting import hosting

    print(hosting.fetch(options.source, options.root))
    return 0


def _import_videos(options) -> int:
    notices.quiet(options.verbosity)
    with notices.Dropped(options.verbosity):
        from wtl.collection.worlds import registry
        from wtl.datasets.videos import import_videos, video_folder
        from wtl.pipeline import run_folder

    try:
        version = import_videos.import_videos(
            options.folder,
            options.out,
            pixels=options.pixels,
            encoding=options.encoding,
            families=tuple(registry.get(registry.DEFAULT).families),
            origin={
                "commit": run_folder.commit(),
                "versions": run_folder.versions(),
            },
        )
    except video_folder.VideosError as error:
        for fault in error.faults:
            print(f"wtl: {fault}", file=sys.stderr)
        print(
            "wtl: nothing is published; mend this and run the same command again",
            file=sys.stderr,
        )
        return 1
    print(f"{version} holds the videos of {options.folder}")
    return 0


def _doctor(options) -> int:
    notices.quiet(options.verbosity)
    with notices.Dropped(options.verbosity):
        from wtl.collection.worlds.tabletop import renderer
        from wtl.pipeline import run_folder

        versions = run_folder.versions()
    for package, version in versions.items():
        print(f"{package:20} {version}")
    print(f"{'cores':20} {len(os.sched_getaffinity(0))}")
    try:
        backend, name = renderer.find_renderer()
    except renderer.RendererNotFoundError as error:
        print(f"{'renderer':20} none: {error}")
        print("State observations work without; gripper_vision.gin does not.")
        return 0
    kind = "software" if renderer.is_software(name) else "GPU"
    print(f"{'renderer':20} {name} ({backend}, {kind})")
    return 0
