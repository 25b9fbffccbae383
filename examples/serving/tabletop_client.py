"""Act on the tabletop through `wtl serve RUN --policy=mil`: tabletop_client.py RUN.

The demonstration is named by its id: the server reads it in its run.
"""

import sys

from openpi_client.action_chunk_broker import ActionChunkBroker
from openpi_client.websocket_client_policy import WebsocketClientPolicy

import wtl


def play(run: str, port: int = 8769, task: int = 0) -> bool:
    """Play one episode of a test task; return whether it succeeds."""
    client = WebsocketClientPolicy("127.0.0.1", port)
    described = client.get_server_metadata()
    env = wtl.make_env(described["world"], task=task)
    task_id = env.scene_config.task.task_id
    demos = wtl.load_dataset(f"{run}/datasets/wtl_demos", "test")
    demo = demos.where(task_id=task_id)[0]
    client.infer({"endpoint": "context", "demos": [demo.id]})
    # One request for each chunk of actions that the policy executes.
    policy = ActionChunkBroker(client, described["action_horizon"])
    timestep = env.reset()
    while not timestep.last():
        seen = {name: timestep.observation[name] for name in described["observations"]}
        timestep = env.step(policy.infer(seen)["actions"])
    return timestep.reward > 0


if __name__ == "__main__":
    print("success" if play(sys.argv[1]) else "failure")
