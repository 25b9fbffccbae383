"""Training jobs that train nothing."""

import dataclasses
import os
import pathlib
import signal
import time


@dataclasses.dataclass(frozen=True)
class Told:
    """Returns its argument, or raises it."""

    result: str
    problem: str = ""
    name: str = "the job"

    def run(self) -> str:
        if self.problem == "death":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.problem:
            raise ValueError(self.problem)
        return self.result


@dataclasses.dataclass(frozen=True)
class Endless:
    """Reports its process and never ends."""

    path: pathlib.Path
    name: str = "the job"

    def run(self) -> str:
        self.path.write_text(str(os.getpid()))
        while True:
            time.sleep(0.1)


@dataclasses.dataclass(frozen=True)
class Rendering:
    """Imports MuJoCo, which may open OpenGL, and then TensorFlow."""

    name: str = "the job"

    def run(self) -> str:
        import mujoco
        import tensorflow as tf

        with tf.GradientTape() as tape:
            weights = tf.Variable(mujoco.MjModel.from_xml_string("<mujoco/>").nq + 1.0)
            loss = weights**2
        assert float(tape.gradient(loss, weights)) == 2
        return f"{os.environ['MUJOCO_GL']}, trained"
