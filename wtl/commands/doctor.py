"""`wtl doctor`: versions, worlds, cores and OpenGL of this machine."""

import argparse
import os
import textwrap

from wtl import notices
from wtl.commands.command import command
from wtl.datasets.contract.errors import UserError


@command()
def doctor(options: argparse.Namespace) -> None:
    """Report what this machine can do."""
    with notices.loading(options.verbosity):
        from wtl.collection import opengl
        from wtl.collection.worlds import registry
        from wtl.pipeline import run_folder
        from wtl.policies import methods

        versions = run_folder.versions()
    for package, version in versions.items():
        print(f"{package:20} {version}")
    for name in registry.names():
        try:
            address = registry.get(name).address
            served = f", served at {address}" if address else ""
            print(f"{'world ' + name:20} {registry.origin(name)}{served}")
        except UserError as error:
            print(f"{'world ' + name:20} broken: {error}")
    shipped = [name for name in methods.METHODS if name not in methods.ORIGINS]
    lines = textwrap.wrap(f"WTL: {', '.join(shipped)}", 60)
    print(f"{'methods':20} " + f"\n{'':21}".join(lines))
    for name, origin in methods.ORIGINS.items():
        print(f"{'method ' + name:20} {origin}")
    for name, reason in methods.UNAVAILABLE.items():
        print(f"{'method ' + name:20} broken: {reason}")
    print(f"{'cores':20} {len(os.sched_getaffinity(0))}")
    if opengl.ignored:
        print(f"{'MUJOCO_GL':20} {opengl.ignored!r} does not work here and is ignored")
    try:
        backend, name = opengl.find_renderer()
    except opengl.RendererNotFoundError as error:
        print(f"{'renderer':20} none: {error}")
        print("State observations work without; images need it.")
        return
    kind = "software" if opengl.is_software(name) else "GPU"
    print(f"{'renderer':20} {name} ({backend}, {kind})")
    print("State observations and images work.")
