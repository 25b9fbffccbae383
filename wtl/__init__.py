"""WTL: watch a demonstration, try once, learn from both."""

import importlib
import pathlib
import typing

__version__ = "0.2.0"

# Links are not followed: Bazel lays the folders out as links beside each other.
_ROOT = pathlib.Path(__file__).absolute().parents[1]
if (_ROOT / "datasets" / "contract" / "fields.py").is_file():
    # In a checkout `datasets`, `policies` and `collection` lie beside this folder; an
    # installed wheel has them in it.
    __path__.append(str(_ROOT))

# Asks for Keras 2 before a script that imports this one first imports TensorFlow.
importlib.import_module("wtl.policies")

# Before anything imports MuJoCo, and after Keras 2 is asked for.
with importlib.import_module("wtl.notices").Dropped():
    importlib.import_module("wtl.collection.opengl").prepare()

# Function or module -> module of it, imported when it is first asked for.
_API = {
    "make_env": "wtl.api.environments",
    "make_gym_env": "wtl.api.gym_env",
    "load_dataset": "wtl.api.datasets",
    "load_policy": "wtl.api.policies",
    "evaluate": "wtl.api.evaluation",
    "record": "wtl.api.recording",
    "run": "wtl.api.running",
    "worlds": "wtl.worlds",
}

_WITH_TENSORFLOW = ("load_policy", "evaluate", "run")

if typing.TYPE_CHECKING:
    from wtl import worlds as worlds
    from wtl.api.datasets import load_dataset as load_dataset
    from wtl.api.environments import make_env as make_env
    from wtl.api.evaluation import evaluate as evaluate
    from wtl.api.gym_env import make_gym_env as make_gym_env
    from wtl.api.policies import load_policy as load_policy
    from wtl.api.recording import record as record
    from wtl.api.running import run as run


def __getattr__(name: str):
    if name not in _API:
        raise AttributeError(f"module 'wtl' has no attribute {name!r}")
    from wtl import notices

    notices.quiet()
    notices.print_anything()
    if name in _WITH_TENSORFLOW:
        importlib.import_module("wtl.collection.opengl").require_tensorflow()
    with notices.Dropped():
        module = importlib.import_module(_API[name])
    return module if module.__name__ == f"wtl.{name}" else getattr(module, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_API})
