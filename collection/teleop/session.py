"""The flow of a session: scene after scene, attempt after attempt.

It knows neither browsers nor clocks: commands come in, `tick` is told the time. The
world waits for its operator: it goes on only while a command moves something, so that
the horizon is a budget of acting and not of thinking.
"""

import enum
from collections.abc import Callable, Mapping

import numpy as np

from wtl.collection.teleop import attempt, view, words
from wtl.collection.teleop.command import Command
from wtl.collection.teleop.episode_saver import RefusedError, make_episode
from wtl.collection.teleop.operator_input import Helm
from wtl.collection.teleop.pilot import Pilot
from wtl.collection.teleop.plan import Item, Plan
from wtl.collection.teleop.rate_monitor import Cadence
from wtl.collection.worlds.tabletop import environment
from wtl.collection.worlds.tabletop import world as worlds
from wtl.datasets.contract import fields
from wtl.datasets.contract.camera import CameraConfig
from wtl.datasets.contract.episode import EpisodeError
from wtl.datasets.storage.staging import StagingError, StagingWriter

_REACHED = 0.004  # metres; a drag ends here
_DRAG_SPEED = 0.5  # of the largest translation per control step


_DO_THE_SAME = "Do what was shown."


class Phase(enum.StrEnum):
    """Where an attempt stands."""

    SHOWING = "showing"  # a demonstration is shown
    READY = "ready"  # nothing has moved yet
    ACTING = "acting"
    OVER = "over"  # the horizon is reached
    COMPLETE = "complete"  # nothing is left to be recorded


class Session:
    """One operator's work on a plan.

    Attributes:
      operator: name stored with the episodes.
      speed: of the simulated clock relative to that of the wall.
      ended: whether the operator has quit.
      message: what became of the last thing done, for people.
      refused: whether it could not be done.
    """

    def __init__(
        self,
        plan: Plan,
        writer: StagingWriter,
        pixels: int = 0,
        aim: Callable[[tuple[float, float], float], np.ndarray] | None = None,
        pilot: Pilot | None = None,
        films: Mapping[str, np.ndarray] | None = None,
        wrist: bool = False,
    ):
        """Begins with the first item that is not recorded.

        Args:
          plan: what is to be recorded.
          writer: where kept episodes go.
          pixels: of the images to store; 0 for none.
          aim: (place on the wide view, height) -> [2] x and y there, metres.
          pilot: a policy that may drive, where the plan says what it is shown.
          films: [T, P] physics states of demonstrations, by id, which are shown to
            the operator before they try.
          wrist: whether images of the gripper's own camera are stored too.
        """
        self._plan = plan
        self._writer = writer
        self._pixels, self._wrist = pixels, wrist
        self._aim = aim
        self._pilot = pilot
        self._films = films or {}
        self._live: environment.Manipulation | None = None
        self._stored: environment.Manipulation | None = None
        self.operator = "anonymous"
        self.speed = 1.0
        self.ended = False
        self.message, self.refused = "", False
        self._helm = Helm()
        self._load()

    @property
    def item(self) -> Item | None:
        """What is being recorded."""
        return self._plan.current

    @property
    def phase(self) -> Phase:
        """Where the attempt stands."""
        if self.item is None:
            return Phase.COMPLETE
        if self._view.is_film:
            return Phase.SHOWING
        if self._attempt.is_over:
            return Phase.OVER
        return Phase.ACTING if len(self._attempt) else Phase.READY

    @property
    def world(self) -> worlds.World:
        """The physics of the attempt."""
        return self._live.world

    @property
    def period(self) -> float:
        """Seconds of the wall's clock between control steps."""
        return 1 / (worlds.CONTROL_HZ * self.speed)

    @property
    def tells_target(self) -> bool:
        """Whether the operator is told the target, rather than shown what to do."""
        return self.item.role == fields.ROLE_DEMO

    @property
    def target(self) -> np.ndarray:
        """[3] where the target is, metres."""
        world, setup = self._live.world, self.item.setup
        on_buttons = self._live.target_slot >= setup.task.object_set.size
        places = world.button_positions if on_buttons else world.object_positions
        return places[setup.target]

    # --- What the operator's devices say.

    def drive(self, command: Command, received: float, seq: int = 0, rtt: float = 0.0):
        """Takes a command, which holds until the next one.

        Args:
          command: what the operator wants.
          received: when it arrived, seconds of the monotonic clock.
          seq: its number.
          rtt: seconds of the way to the operator and back.
        """
        self._helm.take(command, received, seq, rtt)

    def let_go(self):
        """The operator's hands are off: whatever moved stops."""
        self._helm.let_go()

    # --- Time.

    def tick(self, now: float) -> bool:
        """Makes a control step if one is due and wanted.

        Args:
          now: seconds of the monotonic clock.

        Returns:
          Whether it made one.
        """
        if self.phase not in (Phase.READY, Phase.ACTING) or now < self._due:
            return False
        action = self._action(now)
        if action is None:
            if not self._piloting:
                self._cadence.pause()
            return False
        self._cadence.step(now, self.period)
        # A late step is not made up for by a burst; it shows in the rate.
        on_time = now - self._due < self.period
        self._due = self.period + (self._due if on_time else now)
        if self.phase is Phase.READY:
            self.message, self.refused = "", False
        self._view.leave(now)
        self._attempt.step(action, self._piloted and not self._piloting)
        if self._piloting:
            self._piloted = True
            self._pilot.ask(self._attempt.observation)
        return True

    @property
    def due(self) -> float:
        """When the next control step may be made."""
        return self._due

    def _action(self, now: float) -> np.ndarray | None:
        """What to do in a control step; None where the world waits."""
        command = self._helm.read(now)
        axes = np.array(command.axes)
        if command.goal is not None:
            axes[:2] = self._towards(command.goal)
        if not (axes.any() or command.wait or self._helm.fingers_move):
            return self._pilot_action() if self._piloting else None
        if self._piloting:
            self._piloting = False
            self.message = "You have taken over; p hands back."
        self._helm.obeyed()
        return np.array([*axes, self._helm.finger])

    def _pilot_action(self) -> np.ndarray | None:
        action = self._pilot.answer()
        if action is not None:
            self._helm.finger = float(action[4])
        return action

    def _towards(self, goal: tuple[float, float]) -> np.ndarray:
        setpoint = self._live.world.setpoint
        way = self._aim(goal, setpoint[2]) - setpoint[:2]
        if np.linalg.norm(way) < _REACHED:
            return np.zeros(2)
        way = way / self._live.world.stride
        return way * min(1.0, _DRAG_SPEED / np.abs(way).max())

    # --- Pictures.

    def scene(self, now: float) -> view.Scene:
        """The physics to be shown."""
        return self._view.scene(now, self.period)

    @property
    def tip(self) -> np.ndarray:
        """[3] where the finger tips are in the last `scene`, metres."""
        return self._view.tip

    def seen(self, now: float) -> int:
        """A picture was made: returns the number of the command that it shows."""
        return self._helm.seen(now, self._cadence)

    # --- Flow.

    def do(self, verb: str, value=None):
        """Does one thing of `messages.VERBS` that is not about who drives.

        Whether it could be done is told by `message` and `refused`; nothing is lost if
        it could not.
        """
        self.message, self.refused = "", False
        try:
            getattr(self, f"_do_{verb}")(value)
        except (RefusedError, StagingError, EpisodeError) as error:
            self.message, self.refused = str(error), True

    def _do_name(self, name: str):
        self.operator = name

    def _do_speed(self, speed: float):
        self.speed = float(speed)

    def _do_override(self, success: bool | None):
        self._override = success

    def _do_assist(self, on: bool):
        self._require_item()
        if on and not self._has_pilot:
            raise RefusedError("No policy can drive here.")
        if on and not self._piloting:
            self._helm.let_go()
            self._cadence.pause()
            self._pilot.ask(self._attempt.observation)
        self._piloting = on

    def _do_show(self, _):
        self._require_item()
        film = self._films.get(self.item.shown)
        if film is None:
            raise RefusedError("There is nothing to be shown here.")
        self._view.play(None if self._view.is_film else film)

    def _do_quit(self, _):
        self.ended = True

    def _do_redo(self, _):
        self._require_item()
        self._load(again=True)

    def _do_discard(self, _):
        self._require_item()
        self._plan.postpone()
        self.message = "Discarded; this scene comes again at the end."
        self._load()

    def _do_undo(self, _):
        if not self._plan.is_done(self._writer.newest):
            raise RefusedError("Of these tasks, nothing that could be undone is kept.")
        self._plan.take_back(self._writer.retract())
        self.message = "The last kept episode is removed. Here is its scene again."
        self._load()

    def _do_keep(self, _):
        self._require_item()
        episode = make_episode(
            self._stored,
            self.item,
            self._attempt,
            self._cadence,
            operator=self.operator,
            speed=self.speed,
            override=self._override,
            policy_id=self._pilot.policy_id if self._piloted else "",
        )
        self._writer.append(episode)
        self.message = "Kept."
        if not self.tells_target:
            # The next item may be the retrial, which is to learn from this.
            succeeded = episode.metadata[fields.SUCCESS]
            self.message = f"Kept. It was a {'success' if succeeded else 'failure'}."
        self._plan.complete()
        self._load()

    def _require_item(self):
        if self.item is None:
            raise RefusedError("Everything is recorded.")

    def _load(self, again: bool = False):
        """Starts the current item from the beginning."""
        self._helm = Helm(stale=self._helm.is_held)
        self._due = 0.0
        self._override: bool | None = None
        self._piloting = self._piloted = False
        self._cadence = Cadence(worlds.CONTROL_HZ)
        if self.item is None:
            return
        setup = self.item.setup
        if self._live is None:
            # Only a policy needs to see with its own eyes while it acts.
            pixels = self._pixels if self._pilot else 0
            self._live = environment.Manipulation(setup, CameraConfig(pixels))
            self._stored = environment.Manipulation(
                setup, CameraConfig(self._pixels, wrist=self._wrist)
            )
        self._attempt = attempt.Attempt(self._live, setup)
        self._view = view.View(self._live.world)
        if self.item.role == fields.ROLE_TRIAL and not again:
            self._view.play(self._films.get(self.item.shown))
        if self._has_pilot:
            self._pilot.begin(self.item.shown, self._attempt.observation)

    @property
    def _has_pilot(self) -> bool:
        return self._pilot is not None and bool(self.item.shown)

    # --- For people.

    def status(self) -> dict:
        """What the page tells, as JSON."""
        phase = self.phase
        known = {
            "phase": phase,
            "progress": self._plan.progress(),
            "operator": self.operator,
            "speed": self.speed,
            "message": self.message,
            "refused": self.refused,
            "rate": round(self._cadence.rate, 2),
            "latency": round(self._cadence.latency, 3),
        }
        if phase is Phase.COMPLETE:
            return known
        setup = self.item.setup
        tells = self.tells_target
        # A trial teaches by how it ends; a lamp on the way would give it away.
        lamp = self._attempt.achieved if tells or phase is Phase.OVER else None
        return known | {
            "task": words.instruction(setup) if tells else _DO_THE_SAME,
            "family": setup.task.family if tells else "",
            "role": self.item.role,
            "step": len(self._attempt),
            "horizon": environment.HORIZON,
            "success": lamp,
            "film": self.item.shown in self._films,
            "override": self._override,
            "finger": self._helm.finger,
            "assist": self._piloting if self._has_pilot else None,
        }
