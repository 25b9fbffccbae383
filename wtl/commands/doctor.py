"""`wtl doctor`: versions, cores and OpenGL of this machine."""

import argparse
import os

from wtl import notices
from wtl.commands.command import command


@command()
def doctor(options: argparse.Namespace) -> None:
    """Report what this machine can do."""
    with notices.Dropped(options.verbosity):
        from wtl.collection import opengl
        from wtl.pipeline import run_folder

        versions = run_folder.versions()
    for package, version in versions.items():
        print(f"{package:20} {version}")
    print(f"{'cores':20} {len(os.sched_getaffinity(0))}")
    try:
        backend, name = opengl.find_renderer()
    except opengl.RendererNotFoundError as error:
        print(f"{'renderer':20} none: {error}")
        print("State observations work without; images need it.")
        return
    kind = "software" if opengl.is_software(name) else "GPU"
    print(f"{'renderer':20} {name} ({backend}, {kind})")
