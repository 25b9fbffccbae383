"""`wtl serve`: a policy for robots and other simulators."""

import argparse
import pathlib

from wtl import notices
from wtl.commands.command import HOST, TRUST, command, option, path, port


@command(
    option("folder", type=path, metavar="RUN", help="run whose policy is served"),
    option("--policy", default="wtl", metavar="METHOD", help="wtl (default), mil, ..."),
    port(8769),
    HOST,
    TRUST,
)
def serve(options: argparse.Namespace) -> None:
    """Serve a policy to robots and other simulators, as openpi-client speaks it."""
    run = pathlib.Path(options.folder)
    with notices.loading(options.verbosity):
        from wtl.serving import served_policy
    policy = served_policy.load(run, options.policy, options.trust)
    with notices.loading(options.verbosity):
        from wtl.serving import context_episode, server
    described = served_policy.metadata(policy, options.policy, run)
    episodes = context_episode.RunEpisodes(run)
    server.serve(policy, episodes, described, options.host, options.port)
