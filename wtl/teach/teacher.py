"""A lesson as it goes: demonstration, trial, judgement, retrial."""

import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.vector_environment import VectorEnvironment
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import episode as episodes
from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.errors import UserError
from wtl.teach import attention, belief
from wtl.teach.belief import Belief
from wtl.teach.lessons import Lesson, Lessons, Recorded

HAND, ROBOT, HUMAN = "hand", "robot", "human"  # sources of demonstrations
OVERRULED = "FLAG success overruled by the visitor"


@dataclasses.dataclass(frozen=True, eq=False)
class Learner:
    """Policies that try and retry, see `wtl.load_policy`.

    Attributes:
      trial: given a demonstration.
      retrial: given a demonstration and trials.
      labels: names of both, for people.
    """

    trial: Any
    retrial: Any
    labels: tuple[str, str]

    def policy(self, trials: int):
        """Return the policy that acts after so many trials."""
        return self.retrial if trials else self.trial

    def label(self, trials: int) -> str:
        """Return the name of that policy."""
        return self.labels[bool(trials)]


@dataclasses.dataclass(eq=False)
class Try:
    """An attempt of the robot.

    Attributes:
      episode: as played, with the environment's own judgement.
      before: belief before it, if the policy has one.
      label: name of the policy.
      scene: number of its scene in the lesson.
      attention: attention of an image policy in what it observed, as an animated SVG;
        empty of other policies.
      judged: success in the visitor's judgement; None while there is none.
    """

    episode: Episode
    before: Belief | None
    label: str
    scene: int
    attention: str = ""
    judged: bool | None = None

    @property
    def achieved(self) -> bool:
        """Success in the environment's own judgement."""
        return bool(self.episode.metadata[fields.SUCCESS])

    @property
    def lesson(self) -> Episode:
        """The episode as the robot learns from it: as judged."""
        if self.judged in (None, self.achieved):
            return self.episode
        reward = self.episode.steps[fields.REWARD].copy()
        reward[-2] = float(self.judged)
        notes = self.episode.metadata.get(fields.NOTES, "")
        given = {
            fields.SUCCESS: self.judged,
            fields.NOTES: "; ".join(filter(None, (notes, OVERRULED))),
        }
        return Episode(
            dict(self.episode.steps) | {fields.REWARD: reward},
            dict(self.episode.metadata) | given,
        )


class Teacher:
    """Goes through lessons as a visitor asks; one request at a time.

    Attributes:
      lesson: the task being taught.
      tries: attempts so far, in order.
      source: source of the demonstration.
      demo: the demonstration; None before there is one.
    """

    def __init__(
        self,
        suite: TaskDistribution,
        seed: int,
        lessons: Lessons,
        recorded: Mapping[str, Recorded],
        learners: Mapping[str, Learner],
        environments: VectorEnvironment,
        play: Callable[..., Episode],
        keep: Callable[[Episode, list[Episode], bool], None],
    ):
        """Begin with the first lesson.

        Args:
          suite: task distribution.
          seed: of the run.
          lessons: the lessons.
          recorded: demonstrations by source.
          learners: policies by source; those of `ROBOT` serve `HAND` too.
          environments: in which beliefs are asked for.
          play: (policy, request, demonstration, trials) -> the played episode.
          keep: stores a demonstration and what was tried after it, and takes whether
            a human acts in the demonstration.
        """
        self._suite = suite
        self._seed = seeding.derive_seed(seed, "teach", time.time_ns())
        self._lessons = lessons
        self._recorded = recorded
        self._learners = learners
        self._environments = environments
        self._play = play
        self._keep = keep
        self._number = 0
        self.begin()

    # --- What a visitor asks for.

    def begin(self, family: str = ""):
        """Begin the next lesson, of a family or of any."""
        if family and family not in self._lessons.families:
            known = ", ".join(self._lessons.families)
            raise UserError(f"there is no family {family!r}; there are {known}")
        self.lesson: Lesson = self._lessons.next(family)
        self.demo: Episode | None = None
        self.source = HAND
        self._reset()
        for source in (ROBOT, HUMAN):
            if source in self.lesson.recorded and source in self._learners:
                self.show(source)
                break

    def _reset(self):
        self.tries: list[Try] = []
        self._scene = 0
        self._believed: Belief | None = None
        self._kept: set[str] = set()  # ids

    @property
    def sources(self) -> list[str]:
        """Sources of recorded demonstrations of this lesson."""
        return [s for s in self._learners if s in self.lesson.recorded]

    def show(self, source: str):
        """Take a recorded demonstration of a source."""
        if source not in self.sources:
            raise UserError(f"no demonstration by {source} is recorded of this task")
        found = self._recorded[source].episodes[self.lesson.recorded[source]]
        self.take(found, source)

    def take(self, demo: Episode, source: str = HAND):
        """Take a demonstration, such as one by hand; what was tried before is over."""
        self._reset()
        self.demo, self.source = demo, source
        self._believe()

    @property
    def missing(self) -> str:
        """Reason why no policy takes demonstrations by hand; empty if one does."""
        taken = ROBOT in self._learners
        return "" if taken else "the policies of this run take human videos alone"

    def request_by_hand(self) -> EpisodeRequest:
        """Return the request of a demonstration by hand."""
        return EpisodeRequest(
            self.lesson.demo_scene,
            episode_id=self._episode_id(fields.WTL_DEMOS, fields.ROLE_DEMO),
            role=fields.ROLE_DEMO,
            rule=str(self.lesson.task.rule or ""),
        )

    def attempt(self, new_scene: bool = False):
        """Let the robot try, in the scene of the last try or in a new one."""
        if self.demo is None:
            raise UserError("demonstrate the task first")
        if self.tries and self.tries[-1].judged is None:
            raise UserError("say first if the last try was right or wrong")
        if new_scene:
            self._scene = (self._scene + 1) % len(self.lesson.scene_seeds)
            self._believe()
        policy, request = self._next()
        trials = [tried.lesson for tried in self.tries]
        played = self._play(policy, request, self.demo, trials)
        label, seen = self._learner.label(len(trials)), ""
        if fields.IMAGE in played.steps and (found := policy.look(played)):
            seen = attention.draw(played, self._suite.layout, *found)
        self.tries.append(Try(played, self._believed, label, self._scene, seen))

    def judge(self, success: bool):
        """Take the judgement of the last try; it can change until it is kept."""
        if not self.tries:
            raise UserError("nothing has been tried yet")
        if self.tries[-1].episode.id in self._kept:
            raise UserError("this try is kept as it was judged")
        self.tries[-1].judged = success
        self._believe()

    def keep(self):
        """Keep the demonstration and all judged tries."""
        if self.demo is None:
            raise UserError("there is nothing to keep yet")
        tries = [tried.lesson for tried in self._judged]
        self._keep(self.demo, tries, self.source == HUMAN)
        self._kept |= {episode.id for episode in (self.demo, *tries)}

    def warm_up(self):
        """Have both policies trace their functions, which the first use would wait for.

        It changes nothing of the lesson.
        """
        if self.demo is None or self.source == HUMAN:
            return
        _, request = self._next()
        observed = self._environments.reset([request.scene])
        first = {name: array[0] for name, array in observed.items()}
        for trials in ([], [self.demo]):
            policy = self._learner.policy(len(trials))
            policy.reset(demos=[self.demo], trials=trials)
            policy.target_weights(first)
            policy.act(first)

    # --- The state of the page.

    @property
    def episodes(self) -> dict[str, tuple[Episode, str]]:
        """Demonstration and tries by id, each with the name of its dataset."""
        found = {}
        if self.demo is not None:
            name = {HUMAN: fields.WTL_HUMAN_VIDEOS}.get(self.source, fields.WTL_DEMOS)
            found[self.demo.id] = self.demo, name
        for tried in self.tries:
            found[tried.episode.id] = tried.episode, fields.WTL_TRIALS
        return found

    @property
    def json(self) -> dict[str, Any]:
        """The lesson so far, for the page."""
        task = self.lesson.task
        return {
            "families": self._lessons.families,
            "family": task.family,
            "task": task.task_id,
            "instruction": task.instruction,
            "sources": self.sources,
            "source": self.source,
            "demo": self.demo and self._shown(self.demo),
            "tries": [
                {
                    **self._shown(tried.episode),
                    "label": tried.label,
                    "scene": tried.scene,
                    "achieved": tried.achieved,
                    "judged": tried.judged,
                    "attention": tried.attention,
                    "believed": tried.before and tried.before.json,
                }
                for tried in self.tries
            ],
            "belief": self._believed and self._believed.json,
            "label": self._learner.label(len(self._judged)) if self.demo else "",
            "kept": self.demo is not None
            and {self.demo.id, *(t.episode.id for t in self._judged)} <= self._kept,
        }

    def _shown(self, episode: Episode) -> dict[str, Any]:
        seconds = (len(episode) - 1) / self._suite.world.spec.control_hz
        return {"id": episode.id, "frames": len(episode), "seconds": seconds}

    # --- The robot.

    @property
    def _judged(self) -> list[Try]:
        return [tried for tried in self.tries if tried.judged is not None]

    @property
    def _learner(self) -> Learner:
        return self._learners[HUMAN if self.source == HUMAN else ROBOT]

    def _next(self) -> tuple[Any, EpisodeRequest]:
        """Return policy and request of the next try."""
        trials = self._judged
        task, seed = self.lesson.task, self.lesson.scene_seeds[self._scene]
        attempt = f"evaluation {len(trials)}"
        role = fields.ROLE_RETRIAL if trials else fields.ROLE_TRIAL
        name = fields.WTL_RETRIALS if trials else fields.WTL_TRIALS
        request = EpisodeRequest(
            dataclasses.replace(task.scene(seed), attempt=attempt),
            episode_id=self._episode_id(name, role),
            role=role,
            demo_ids=(self.demo.id,),
            trial_ids=tuple(tried.episode.id for tried in trials),
            trial_index=len(trials),
            rule=str(task.rule or ""),
        )
        return self._learner.policy(len(trials)), request

    def _believe(self):
        """Ask the policy of the next try which target it would select."""
        policy, request = self._next()
        self._believed = None
        policy.reset(demos=[self.demo], trials=[tried.lesson for tried in self._judged])
        observed = self._environments.reset([request.scene])
        first = {name: array[0] for name, array in observed.items()}
        weights = policy.target_weights(first)
        layout, demo_scene = self._suite.layout, self.lesson.demo_scene
        if weights is None or not layout.kinds:
            return
        state = np.asarray(first[fields.STATE])
        by_place = fields.STATE not in policy.observations
        self._believed = Belief(
            belief.of_slots(weights, state, layout, by_place),
            state,
            layout,
            belief.readings(
                self.lesson.task,
                demo_scene.scene_seed,
                demo_scene.slot,
                request.scene.scene_seed,
            ),
        )

    def _episode_id(self, dataset: str, role: str) -> str:
        self._number += 1
        seed = seeding.derive_seed(self._seed, self._number)
        return episodes.episode_id(
            dataset, self.lesson.task.task_id, role, self._number, seed
        )
