"""Act in a Gymnasium loop through `wtl serve RUN --policy=mil`: gym_client.py RUN.

The demonstration is sent. A reply that is late ends the loop: the robot must stop.
"""

import sys
from concurrent import futures

from openpi_client.websocket_client_policy import WebsocketClientPolicy

import wtl


def play(run: str, port: int = 8769, limit: float = 0.5) -> str:
    """Play an episode; return success, failure, or stopped after `limit` seconds."""
    client = WebsocketClientPolicy("127.0.0.1", port)
    described = client.get_server_metadata()
    env = wtl.make_gym_env(described["world"], task=0)
    task_id = env.unwrapped.env.scene_config.task.task_id
    demos = wtl.load_dataset(f"{run}/datasets/wtl_demos", "test")
    demo = demos.where(task_id=task_id)[0]
    seen = {name: demo.steps[name] for name in described["context_observations"]}
    sent = {"observation": seen, "action": demo.steps["action"], "success": True}
    client.infer({"endpoint": "context", "demos": [sent]})
    observation, info = env.reset(seed=0)
    ended = cut_off = False
    asking = futures.ThreadPoolExecutor(1)
    try:
        while not (ended or cut_off):
            seen = {name: observation[name] for name in described["observations"]}
            reply = asking.submit(client.infer, seen)
            for action in reply.result(limit)["actions"]:
                observation, _, ended, cut_off, info = env.step(action)
                if ended or cut_off:
                    break
    except futures.TimeoutError:
        return "stopped"  # a robot: its controller brakes
    finally:
        asking.shutdown(wait=False)
    return "success" if info["success"] else "failure"


if __name__ == "__main__":
    print(play(sys.argv[1]))
