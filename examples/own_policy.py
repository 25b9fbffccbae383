"""Measure policies of one's own in the table of a run: own_policy.py RUN."""

import sys

import numpy as np

import wtl


def still(observation):
    """Return no motion: a function is given the observation alone."""
    return np.zeros(5)


class Replay:
    """Plays the demonstration again; given a trial that succeeded, the trial."""

    def reset(self, *, demos, trials):
        """Begin an episode."""
        solved = [trial for trial in trials if trial.metadata["success"]]
        self._actions = (*demos, *solved)[-1].steps["action"]
        self._step = 0

    def act(self, observation):
        """Return the next action; none follows the last timestep."""
        action = self._actions[min(self._step, len(self._actions) - 2)]
        self._step += 1
        return action


if __name__ == "__main__":
    run = sys.argv[1]
    wtl.evaluate(still, run, "still")
    wtl.evaluate(Replay(), run, "replay")
    results = wtl.evaluate(Replay(), run, "replay again", trials_from="mil")
    print(results["paired"]["replay again_vs_mil"])
