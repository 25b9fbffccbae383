"""Flow of a recording: scene after scene, attempt after attempt.

Keys come in, `tick` makes a control step. Keys and judgements are those of
teleoperation, but an attempt is stored as it was played: a robot repeats no motion.
"""

import time

import dm_env

from wtl.api.recording import Recording
from wtl.collection.teleop.attempt import RefusedError, check_demonstration
from wtl.collection.teleop.plan import Plan
from wtl.collection.teleop.rate_monitor import RateMonitor
from wtl.collection.teleop.session import Phase
from wtl.collection.worlds.world import World
from wtl.datasets.contract.episode import EpisodeError
from wtl.datasets.storage.staging import StagingError
from wtl.pipeline.controller import Controller

# Those of the page of teleoperation.
_VERBS = {
    **{"n": "keep", "r": "redo", "d": "discard", "u": "undo", "o": "override"},
    **{"q": "quit", "\n": "go_on"},
}
_ABOUT_ATTEMPT = ("keep", "redo", "discard", "override")
_KEYS_BETWEEN = "enter start, d discard, u undo, q quit"
_KEYS_OF_ATTEMPT = "n keep, r redo, d discard, o override, q quit"


class Session:
    """Attempts of a controller at the scenes of a plan, kept one by one.

    Attributes:
      ended: whether the operator has quit.
    """

    def __init__(
        self,
        recording: Recording,
        world: World,
        plan: Plan,
        controller: Controller,
        fast: bool,
    ):
        """Begin before the first episode that is not recorded.

        Args:
          recording: of an environment of the world.
          world: of the tasks.
          plan: the episodes to record.
          controller: acts.
          fast: whether control steps don't wait for the control period.
        """
        self._recording, self._world, self._plan = recording, world, plan
        self._controller, self._fast = controller, fast
        self._period = 0.0 if fast else 1 / world.spec.control_hz
        self.ended = self._asked = False
        self._load()

    def _load(self):
        """Stand before an attempt at the current scene."""
        self._timestep: dm_env.TimeStep | None = None
        self._override: bool | None = None
        self._monitor = RateMonitor(self._world.spec.control_hz)
        self._due = 0.0  # when the next control step may be made

    @property
    def phase(self) -> Phase:
        """Phase of the attempt."""
        if self._plan.current is None:
            return Phase.COMPLETE
        if self._timestep is None:
            return Phase.READY
        return Phase.OVER if self._timestep.last() else Phase.ACTING

    @property
    def wait(self) -> float | None:
        """Seconds until the next control step; None if the next key decides."""
        if self._asked or self.phase is not Phase.ACTING:
            return None
        return max(0.0, self._due - time.monotonic())

    def begin(self):
        """Start the attempt."""
        self._recording.env.prepare(self._plan.current.scene)
        self._timestep = self._recording.reset()
        self._controller.reset()

    def tick(self):
        """Make a control step.

        Raises:
          UserError: if the controller fails or its action is none of the environment.
        """
        now = time.monotonic()
        # A late step is not made up for by a burst; it shows in the rate.
        on_time = now - self._due < self._period
        self._due = self._period + (self._due if on_time else now)
        if not self._fast:
            self._monitor.step(now, self._period)
        chosen = self._controller.act(self._timestep.observation, self._recording.steps)
        self._timestep = self._recording.advance(chosen)

    # --- Flow.

    def press(self, key: str) -> str:
        """Fulfil the request of a key, and return its outcome.

        Nothing is lost if it fails.
        """
        if self._asked:
            self._asked, self.ended = False, key == "q"
            return ""
        verb = _VERBS.get(key)
        try:
            if verb in _ABOUT_ATTEMPT and self.phase is Phase.COMPLETE:
                raise RefusedError("Everything is recorded.")
            return getattr(self, verb)() if verb else ""
        except (RefusedError, StagingError, EpisodeError) as error:
            return str(error)

    def quit(self) -> str:
        """Ask whether to end, which the next key answers; nothing moves meanwhile."""
        self._asked = True
        self._monitor.pause()
        return "q again ends and publishes; another key goes on."

    def go_on(self) -> str:
        """Start the attempt, or go on after it: keep a success, redo a failure."""
        if self.phase is Phase.READY:
            self.begin()
        elif self.phase is Phase.OVER:
            return self.keep() if self._success() else self.redo()
        return ""

    def keep(self) -> str:
        """Stage the attempt, which ends here, and go to the next scene."""
        self._require_moved()
        request, recording = self._plan.current, self._recording
        success = self._override
        if not self._timestep.last():
            success = self._success()
        episode = recording.episode(
            success, episode_id=request.episode_id, notes=self._notes()
        )
        check_demonstration(episode, recording.env, self._world.teleop)
        recording.keep(episode)
        self._plan.complete()
        self._load()
        return "Kept."

    def redo(self) -> str:
        """Return to the start of this scene."""
        self._load()
        return "Here is the same scene again."

    def discard(self) -> str:
        """Go to the next scene; this one comes again at the end."""
        self._plan.postpone()
        self._load()
        return "Discarded; this scene comes again at the end."

    def undo(self) -> str:
        """Remove the last kept episode; its scene is the next."""
        if not self._plan.is_done(self._recording.writer.newest):
            raise RefusedError("No kept episode of these tasks could be undone.")
        self._plan.take_back(self._recording.writer.retract())
        self._load()
        return "The last kept episode is removed. Here is its scene again."

    def override(self) -> str:
        """Put the opposite in place of the environment's success, and back."""
        self._require_moved()
        own, self._override = self._override, None
        if own is None:
            self._override = not self._success()
        return f"It counts as a {'success' if self._success() else 'failure'}."

    def _require_moved(self):
        if self._timestep is None or not self._recording.steps:
            raise RefusedError("Nothing has moved yet, so there is nothing to keep.")

    def _success(self) -> bool:
        """Whether the attempt succeeds if it ends here."""
        env = self._recording.env
        if self._override is not None:
            return self._override
        if self._timestep.last():
            return self._timestep.reward > 0
        if self._world.teleop:
            return self._world.teleop.achieved(env)
        test = getattr(env, "succeeded", None)
        return test() if test else self._timestep.reward > 0

    def _notes(self) -> str:
        notes = []
        if not self._fast:
            hz = self._world.spec.control_hz
            notes.append(f"rate {self._monitor.rate:.2f} Hz of {hz:g}")
            if self._monitor.is_slow:
                notes.append("FLAG control rate below 95%")
        if self._override is not None:
            notes.append("FLAG success overruled by the operator")
        return "; ".join(notes)

    @property
    def task(self) -> str:
        """The current task in words."""
        if self._plan.current is None:
            return "Everything is recorded."
        scene, teleop = self._plan.current.scene, self._world.teleop
        words = teleop.instruction(scene) if teleop else scene.task.instruction
        return f"{scene.task.task_id}: {words or scene.task.family}"

    def status(self) -> str:
        """Return one line about the plan and the attempt, and the keys."""
        phase, keys = self.phase, _KEYS_OF_ATTEMPT
        done, wanted = self._plan.progress()["episodes"]
        parts = [f"{done}/{wanted} kept"]
        if phase in (Phase.READY, Phase.COMPLETE):
            keys = _KEYS_BETWEEN
        else:
            parts.append(f"step {self._recording.steps}/{self._world.spec.horizon}")
        if phase is Phase.OVER:
            is_success = self._success()
            parts.append("success" if is_success else "failure")
            keys = f"enter {'keep' if is_success else 'redo'}, {keys}"
        elif phase is Phase.ACTING and not self._fast:
            parts.append(f"{self._monitor.rate:.1f} Hz")
        return f"{', '.join(parts)} | {keys}"
