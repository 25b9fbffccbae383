"""Processes, perhaps of several machines, that train one network together.

Each draws the same batch, a pure function of seed and step, and takes its slice;
`tf.distribute` sums the gradients. TF_CONFIG names the processes in the format of
TensorFlow: the same command is started once for each.
"""

import dataclasses
import json
import os

from wtl.datasets.contract.errors import UserError

# TensorFlow's server binds to all addresses, whatever TF_CONFIG names.
WARNING = (
    "wtl: while it trains, TensorFlow runs commands of anyone who reaches its port, "
    "which is open on all addresses of this machine: use a private network or a "
    "firewall (docs/trust.md)"
)


@dataclasses.dataclass(frozen=True)
class Cluster:
    """Processes that train together, and the place of this one among them.

    Attributes:
      workers: address of each, `host:port`.
      index: number of this process; the first is the chief, which alone writes.
    """

    workers: tuple[str, ...]
    index: int

    @classmethod
    def from_environment(cls) -> "Cluster | None":
        """Read TF_CONFIG; return None if this process trains alone.

        Raises:
          UserError: if it is invalid.
        """
        text = os.environ.get("TF_CONFIG", "")
        if not text:
            return None
        try:
            config = json.loads(text)
            workers = tuple(config["cluster"]["worker"])
            kind, index = config["task"]["type"], int(config["task"]["index"])
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"TF_CONFIG can't be read ({type(error).__name__}: {error}); unset it "
                "to train in this process alone"
            ) from error
        if set(config["cluster"]) != {"worker"} or kind != "worker":
            raise UserError(
                "TF_CONFIG names other tasks than workers; name these alone"
            )
        if not 0 <= index < len(workers):
            raise UserError(f"TF_CONFIG has no worker {index}")
        return cls(workers, index) if len(workers) > 1 else None

    @property
    def is_chief(self) -> bool:
        """Whether this process writes checkpoints and policies."""
        return self.index == 0

    def strategy(self):
        """Join the other processes; wait for all of them.

        Returns:
          A `tf.distribute.Strategy` of one replica per process.
        """
        import tensorflow as tf

        resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
            tf.train.ClusterSpec({"worker": list(self.workers)}),
            task_type="worker",
            task_id=self.index,
        )
        return tf.distribute.MultiWorkerMirroredStrategy(resolver)

    def slice(self, rows):
        """Return the part of a batch that this process computes.

        Args:
          rows: nested tuples of arrays, [B, ...] or a multiple of B each.

        Raises:
          ValueError: if the batch can't be divided evenly.
        """
        import tensorflow as tf

        def part(array):
            size, left = divmod(len(array), len(self.workers))
            if left:
                raise ValueError(
                    f"a batch of {len(array)} can't be divided among "
                    f"{len(self.workers)} workers; choose another batch_size"
                )
            return array[self.index * size : (self.index + 1) * size]

        return tf.nest.map_structure(part, rows)


def meet(strategy) -> None:
    """Wait until all processes of a strategy have reached this call."""
    import tensorflow as tf

    @tf.function
    def total():
        context = tf.distribute.get_replica_context()
        return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.constant(1.0))

    strategy.run(total)
