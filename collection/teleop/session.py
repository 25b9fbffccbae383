"""Flow of a session: scene after scene, attempt after attempt.

A session knows neither browsers nor clocks: commands come in, `tick` is given the time.
The simulation waits for the operator: it goes on only while a command moves something,
so that the horizon limits the acting and not the thinking.
"""

import enum
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.teleop.attempt import Attempt, RefusedError, make_episode
from wtl.collection.teleop.interface import Command, Pictures
from wtl.collection.teleop.operator_input import OperatorInput
from wtl.collection.teleop.plan import Plan
from wtl.collection.teleop.policy_driver import PolicyDriver
from wtl.collection.teleop.rate_monitor import RateMonitor
from wtl.collection.worlds.world import Environment, World
from wtl.datasets.contract import fields
from wtl.datasets.contract.camera import NO_CAMERA, CameraConfig
from wtl.datasets.contract.episode import EpisodeError
from wtl.datasets.storage.staging import StagingError, StagingWriter

_IMITATE = "Repeat the demonstration."
_OF_REQUEST = ("keep", "redo", "discard", "assist", "show")  # verbs


class Phase(enum.StrEnum):
    """Phase of an attempt."""

    SHOWING = "showing"  # a demonstration is shown
    READY = "ready"  # nothing has moved yet
    ACTING = "acting"
    OVER = "over"  # the episode has ended
    COMPLETE = "complete"  # nothing is left to record


class Session:
    """One operator's work on a plan.

    Attributes:
      operator: name stored with the episodes.
      speed: of the simulated clock relative to the wall clock.
      ended: whether the operator has quit.
      message: outcome of the last request, for the page.
      refused: whether that request was refused.
    """

    def __init__(
        self,
        plan: Plan,
        writer: StagingWriter,
        world: World,
        camera: CameraConfig = NO_CAMERA,
        policy: PolicyDriver | None = None,
        demonstration: Callable[[str], Sequence[Any]] | None = None,
    ):
        """Begin with the first episode that is not recorded.

        Args:
          plan: the episodes to record.
          writer: stores saved episodes.
          world: of their tasks; it has a `teleop`.
          camera: of the images to store.
          policy: may act, where the plan says what it is shown.
          demonstration: (id) -> states of a demonstration, see `Animation.show`, which
            is shown to the operator before a trial.
        """
        self._plan = plan
        self._writer = writer
        self._world, self._teleop = world, world.teleop
        self._camera = camera
        self._policy = policy
        self._demonstration = demonstration
        self._live: Environment | None = None
        self._stored: Environment | None = None
        self.operator = "anonymous"
        self.speed = 1.0
        self.ended = False
        self.message, self.refused = "", False
        self._input = OperatorInput(self._teleop)
        self._load()

    @property
    def request(self) -> EpisodeRequest | None:
        """The episode that is being recorded."""
        return self._plan.current

    @property
    def phase(self) -> Phase:
        """Phase of the attempt."""
        if self.request is None:
            return Phase.COMPLETE
        if self._animation.shows_demonstration:
            return Phase.SHOWING
        if self._attempt.is_over:
            return Phase.OVER
        return Phase.ACTING if len(self._attempt) else Phase.READY

    @property
    def env(self) -> Environment:
        """Environment of the attempt."""
        return self._live

    @property
    def period(self) -> float:
        """Seconds of the wall clock between control steps."""
        return 1 / (self._world.spec.control_hz * self.speed)

    @property
    def names_target(self) -> bool:
        """Whether the target is named, rather than shown by a demonstration."""
        return self.request.role == fields.ROLE_DEMO

    # --- Input.

    def drive(self, command: Command, received: float, seq: int = 0, rtt: float = 0.0):
        """Take a command, which holds until the next one.

        It has a number and was received at a time of the monotonic clock; the
        round-trip time to the operator is in seconds too.
        """
        self._input.take(command, received, seq, rtt)

    def release(self):
        """Stop whatever moves: there is no operator."""
        self._input.release()

    def record(self, *requests: EpisodeRequest):
        """Replace the plan by these episodes, which are not recorded yet."""
        self._plan = Plan(requests, ())
        self._load()

    # --- Time.

    def tick(self, now: float) -> bool:
        """Make a control step if one is due and commanded; return whether one was.

        Seconds are those of the monotonic clock.
        """
        if self.phase not in (Phase.READY, Phase.ACTING) or now < self.due:
            return False
        action = self._action(now)
        if action is None:
            if not self._assisted:
                self._monitor.pause()
            return False
        self._monitor.step(now, self.period)
        # A late step is not made up for by a burst; it shows in the rate.
        on_time = now - self.due < self.period
        self.due = self.period + (self.due if on_time else now)
        if self.phase is Phase.READY:
            self.message, self.refused = "", False
        self._animation.leave(now)
        self._attempt.step(action, self._was_assisted and not self._assisted)
        if self._assisted:
            self._was_assisted = True
            self._policy.ask(self._attempt.observation)
        return True

    def _action(self, now: float) -> np.ndarray | None:
        """Return the action of a control step; None where the simulation waits."""
        command = self._input.read(now)
        rates = self._teleop.rates(self._live, command)
        for axis, travel in enumerate(command.lead):
            if travel is not None:
                rates[axis] = np.clip(round(travel - self._travel[axis], 3), -1, 1)
        if not (rates.any() or command.wait or self._input.is_settling):
            return self._policy_action() if self._assisted else None
        if self._assisted:
            self._assisted = False
            self.message = "You have taken over; p hands back to the policy."
        self._input.obeyed()
        self._travel += rates
        return self._teleop.action(self._live, rates, self._input.latch)

    def _policy_action(self) -> np.ndarray | None:
        action = self._policy.answer()
        if action is not None:
            self._input.latch = self._teleop.latch(action)
        return action

    # --- Pictures.

    def state(self, now: float) -> Any:
        """Return the state to show of `env`."""
        return self._animation.state(now, self.period)

    def picture(self, pictures: Pictures, clock: Callable[[], float]) -> bytes:
        """Return a JPEG, after the number of the command that it shows, in 4 bytes."""
        target = self._teleop.target(self._live) if self.names_target else None
        image = pictures.make(self.env, self.state(clock()), target)
        seq = self._input.seen(clock(), self._monitor)
        return seq.to_bytes(4, "little") + image

    # --- Flow.

    def do(self, verb: str, value=None):
        """Fulfil a request, one of `messages.VERBS`; nothing is lost if it fails.

        `message` and `refused` give the outcome.
        """
        self.message, self.refused = "", False
        try:
            if self.request is None and verb in _OF_REQUEST:
                raise RefusedError("Everything is recorded.")
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
        if on and not self._can_assist:
            raise RefusedError("No policy can act here.")
        if on and not self._assisted:
            self._input.release()
            self._monitor.pause()
            self._policy.ask(self._attempt.observation)
        self._assisted = on

    def _do_show(self, _):
        if not self._can_show:
            raise RefusedError("There is no demonstration to show here.")
        if self._animation.shows_demonstration:
            self._animation.show(None)
        else:
            self._animation.show(self._demonstration(self._shown_id))

    def _do_quit(self, _):
        self.ended = True

    def _do_redo(self, _):
        self._load(again=True)

    def _do_discard(self, _):
        self._plan.postpone()
        self.message = "Discarded; this scene comes again at the end."
        self._load()

    def _do_undo(self, _):
        if not self._plan.is_done(self._writer.newest):
            raise RefusedError("No kept episode of these tasks could be undone.")
        self._plan.take_back(self._writer.retract())
        self.message = "The last kept episode is removed. Here is its scene again."
        self._load()

    def _do_keep(self, _):
        episode = make_episode(
            self._stored,
            self.request,
            self._attempt,
            self._monitor,
            self._teleop,
            operator=self.operator,
            speed=self.speed,
            override=self._override,
            policy_id=self._policy.policy_id if self._was_assisted else "",
        )
        self._writer.append(episode)
        self.message = "Kept."
        if not self.names_target:
            # The next request may be the retrial, in which the outcome is known.
            succeeded = episode.metadata[fields.SUCCESS]
            self.message = f"Kept. It was a {'success' if succeeded else 'failure'}."
        self._plan.complete()
        self._load()

    def _load(self, again: bool = False):
        """Start the current request from the beginning."""
        self._input = OperatorInput(self._teleop, stale=self._input.is_held)
        self.due = 0.0  # when the next control step may be made
        self._override: bool | None = None
        self._assisted = self._was_assisted = False
        # Sum of the rates of the operator's steps, see `Command.lead`.
        self._travel = np.zeros(len(self._teleop.controls["axes"]))
        self._monitor = RateMonitor(self._world.spec.control_hz)
        if self.request is None:
            return
        scene = self.request.scene
        if self._live is None:
            # Only a policy needs images while it acts.
            seen = CameraConfig(self._camera.pixels if self._policy else 0)
            self._live = self._world.open(scene, seen)
            self._stored = self._world.open(scene, self._camera)
        self._attempt = Attempt(self._live, scene)
        self._animation = self._teleop.animation(self._live)
        if self.request.role == fields.ROLE_TRIAL and not again and self._can_show:
            self._animation.show(self._demonstration(self._shown_id))
        if self._can_assist:
            self._policy.begin(self._shown_id, self._attempt.observation)

    @property
    def _can_assist(self) -> bool:
        return self._policy is not None and bool(self._shown_id)

    @property
    def _can_show(self) -> bool:
        return self._demonstration is not None and bool(self._shown_id)

    @property
    def _shown_id(self) -> str:
        """Id of the demonstration that the operator or the policy is shown."""
        return next(iter(self.request.demo_ids), "")

    def status(self) -> dict:
        """Return the status for the page, as JSON."""
        phase = self.phase
        status = {
            "phase": phase,
            "progress": self._plan.progress(),
            "operator": self.operator,
            "speed": self.speed,
            "message": self.message,
            "refused": self.refused,
            "rate": round(self._monitor.rate, 2),
            "slow": self._monitor.is_slow,
            "latency": round(self._monitor.latency, 3),
        }
        if phase is Phase.COMPLETE:
            return status
        scene, named = self.request.scene, self.names_target
        # A trial teaches by its outcome; success on the way would give it away.
        tells = named or phase is Phase.OVER
        success = self._teleop.achieved(self._live) if tells else None
        return status | {
            "task": self._teleop.instruction(scene) if named else _IMITATE,
            "family": scene.task.family if named else "",
            "role": self.request.role,
            "step": len(self._attempt),
            "horizon": self._live.horizon,
            "travel": np.round(self._travel, 4).tolist(),
            "success": success,
            "demonstration": self._can_show,
            "override": self._override,
            "latch": self._input.latch,
            "assist": self._assisted if self._can_assist else None,
        }
