"""ProMP: estimators of the meta-gradient, adaptation, and resumption."""

import dataclasses
import itertools

import numpy as np
import pytest
import tensorflow as tf

from wtl.collection import trials
from wtl.collection.task_pool import Attempt
from wtl.collection.worlds.point_robot.point_robot import PointRobots
from wtl.collection.worlds.tabletop import observation
from wtl.policies import promp
from wtl.policies.adapters import gradient
from wtl.policies.encoders import view as views
from wtl.policies.heads.diagonal_gaussian import DiagonalGaussian
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.promp import baseline, estimator
from wtl.policies.promp import loss as losses
from wtl.policies.promp.agent import PrompAgent
from wtl.policies.promp.config import PrompConfig
from wtl.policies.promp.network import PrompNetwork, Trials
from wtl.policies.rl2.advantage import advantages

FLAT = views.flat_view(2, 2)
SMALL = PrompConfig(
    pre_trials=2, hidden=(8,), tasks_per_round=4, trials_per_task=3, epochs=2
)
ATTEMPTS = [Attempt(0), Attempt(1)]
ALPHA = 0.7


def _pool(split="test"):
    return PointRobots(split, 6, 0, sparse=False)


class _Chain:
    """Two states, two actions, three steps: all 64 trajectories, and a softmax policy.

    Attributes:
      state, action: [N, T] of every trajectory.
      outcome: [N, T] rewards from each step on.
      score: whole reward of the trajectory, at each step.
    """

    def __init__(self):
        rng = np.random.default_rng(3)
        move = rng.dirichlet((1, 1), size=(2, 2))  # of the next state
        reward = rng.normal(size=(2, 2))
        rows = [
            ((0, *states[:-1]), actions, (0, *states))
            for states in itertools.product((0, 1), repeat=3)
            for actions in itertools.product((0, 1), repeat=3)
        ]
        self.state = np.array([row[0] for row in rows])
        self.action = np.array([row[1] for row in rows])
        after = np.array([row[2][1:] for row in rows])
        self._moves = move[self.state, self.action, after].prod(axis=1)
        rewards = reward[self.state, self.action]
        self.outcome = rewards[:, ::-1].cumsum(axis=1)[:, ::-1]
        self.whole = np.repeat(self.outcome[:, :1], 3, axis=1)

    def log_density(self, logits: tf.Tensor) -> tf.Tensor:
        """[N, T] of the actions, given logits [2, 2] by state."""
        index = np.stack([self.state, self.action], axis=-1)
        return tf.gather_nd(tf.nn.log_softmax(logits), index)

    def probability(self, logits: tf.Tensor) -> tf.Tensor:
        """[N] of the trajectories."""
        return self._moves * tf.exp(tf.reduce_sum(self.log_density(logits), axis=1))

    def expected(self, logits: tf.Tensor) -> tf.Tensor:
        """Exact expected return."""
        return tf.reduce_sum(self.probability(logits) * self.outcome[:, 0])

    def adapted(self, logits, credit: str, advantage: np.ndarray) -> tf.Tensor:
        """Logits after the inner step on all trajectories, by their probabilities."""
        weight = tf.stop_gradient(self.probability(logits))
        sampled = tf.stop_gradient(self.log_density(logits))

        def loss(phi):
            now = self.log_density(phi["logits"][0])
            gain = estimator.surrogate(credit, now, sampled, advantage)
            return -tf.reduce_sum(weight[:, None] * gain)[None]

        phi = gradient.adapt(
            {"logits": logits},
            {"logits": tf.constant(ALPHA, tf.float64)},
            loss,
            batch=1,
            steps=1,
            second_order=True,
            clip=1e9,
        )
        return phi["logits"][0]

    def meta_gradient(self, credit: str, advantage: np.ndarray) -> np.ndarray:
        """Derivative of the expected return after the step."""
        logits = tf.constant(LOGITS)
        with tf.GradientTape() as tape:
            tape.watch(logits)
            result = self.expected(self.adapted(logits, credit, advantage))
        return tape.gradient(result, logits).numpy()

    def after_exact_step(self, logits: np.ndarray) -> float:
        """Expected return after a step along the gradient of the expected return."""
        logits = tf.constant(logits)
        with tf.GradientTape() as tape:
            tape.watch(logits)
            result = self.expected(logits)
        return float(self.expected(logits + ALPHA * tape.gradient(result, logits)))


LOGITS = np.random.default_rng(4).normal(size=(2, 2))


def _differences(function, point: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """Gradient by central differences."""
    result = np.zeros_like(point)
    for index in np.ndindex(point.shape):
        shift = np.zeros_like(point)
        shift[index] = step
        result[index] = (function(point + shift) - function(point - shift)) / step / 2
    return result


@pytest.mark.parametrize("credit", promp.CREDITS)
@pytest.mark.parametrize("advantage", ["outcome", "whole"])
def test_every_estimator_takes_the_same_inner_step(credit, advantage):
    chain = _Chain()
    got = chain.adapted(tf.constant(LOGITS), credit, getattr(chain, advantage))
    exact = _differences(lambda x: float(chain.expected(tf.constant(x))), LOGITS)
    np.testing.assert_allclose(got, LOGITS + ALPHA * exact, atol=1e-9)


@pytest.mark.parametrize("advantage", ["outcome", "whole"])
def test_dice_gives_the_meta_gradient_of_finite_differences(advantage):
    chain = _Chain()
    exact = _differences(chain.after_exact_step, LOGITS)
    got = chain.meta_gradient(promp.DICE, getattr(chain, advantage))
    np.testing.assert_allclose(got, exact, atol=1e-8)
    others = [
        np.abs(chain.meta_gradient(credit, chain.outcome) - exact).max()
        for credit in (promp.LIKELIHOOD_RATIO, promp.NONE)
    ]
    # The one is biased by the products of scores of different steps, the other by all.
    assert 1e-3 < others[0] < others[1] / 2


def test_estimators_differ_by_the_credit_of_the_first_trials():
    """Second term of Rothfuss et al. 2019, equation 4, summed over all trajectories."""
    chain = _Chain()
    logits = tf.constant(LOGITS)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        densities = chain.log_density(logits)
    score = tape.jacobian(densities, logits).numpy().reshape(64, 3, 4)
    probability = chain.probability(logits).numpy()
    adapted = chain.adapted(logits, promp.NONE, chain.whole).numpy()
    outer = _differences(lambda x: float(chain.expected(tf.constant(x))), adapted)
    weight = probability * chain.outcome[:, 0]
    of_trial = score.sum(axis=1)
    credit = ALPHA * np.einsum("n,ni,nj,j", weight, of_trial, of_trial, outer.ravel())
    within = ALPHA * np.einsum("n,nti,ntj,j", weight, score, score, outer.ravel())
    assert np.abs(credit).max() > 0.01
    without = chain.meta_gradient(promp.NONE, chain.whole).ravel()
    dice = chain.meta_gradient(promp.DICE, chain.whole).ravel()
    ratio = chain.meta_gradient(promp.LIKELIHOOD_RATIO, chain.whole).ravel()
    np.testing.assert_allclose(dice - without, credit, atol=1e-8)
    np.testing.assert_allclose(ratio - without, within, atol=1e-8)


@pytest.fixture
def float64():
    before = tf_keras.backend.floatx()
    tf_keras.backend.set_floatx("float64")
    yield
    tf_keras.backend.set_floatx(before)


class _Quadrature:
    """Trials of two Gaussian actions at the nodes of a product quadrature.

    The second observation is the first action; the reward is minus the squared distance
    of the actions from those of the task. Means over the trials are exact expectations.
    """

    goals = np.array([[0.3, -0.4], [-0.8, 0.5]])  # [B, T]

    def __init__(self, network: PrompNetwork):
        self._network = network
        nodes, weights = np.polynomial.hermite_e.hermegauss(10)
        pairs = list(itertools.product(range(10), repeat=2))
        self._noise = np.array([[nodes[i], nodes[j]] for i, j in pairs])  # [K, T]
        weight = np.array([weights[i] * weights[j] for i, j in pairs])
        self._weight = len(pairs) * weight / weight.sum()

    def trials(self, phi) -> Trials:
        """Trials of both tasks; weights are factors of the advantages."""
        sigma = np.exp(phi["log_sigma"])[:, None]
        observed = np.ones((2, len(self._weight)))
        observations, actions = [], []
        for step in range(2):
            mean = self._network.policy(phi, observed[..., None, None]).mean
            observations.append(observed)
            observed = mean[..., 0, 0].numpy() + sigma[..., 0] * self._noise[:, step]
            actions.append(observed)
        observation = np.stack(observations, axis=-1)[..., None]
        action = np.stack(actions, axis=-1)
        reward = -((action - self.goals[:, None]) ** 2)
        outcome = reward[..., ::-1].cumsum(axis=-1)[..., ::-1]
        return Trials(
            tf.constant(observation),
            tf.constant(action[..., None]),
            tf.constant(outcome * self._weight[:, None]),
            self._network.policy(phi, tf.constant(observation)),
        )

    def expected(self, kernel, bias, log_sigma) -> tf.Tensor:
        """Exact expected returns [B]."""
        variance = tf.exp(2 * log_sigma)
        first = kernel + bias
        second = kernel * first + bias
        goals = self.goals.T
        spread = variance * (2 + kernel**2)
        return -((first - goals[0]) ** 2 + (second - goals[1]) ** 2 + spread)


@pytest.mark.parametrize("credit", [promp.DICE, promp.NONE])
def test_the_loss_has_the_meta_gradient_of_finite_differences(float64, credit):
    """Of initial parameters and learned step sizes, of the network that is trained."""
    config = PrompConfig(credit, alpha=0.2, hidden=(), context=0, log_sigma=-0.7)
    network = PrompNetwork(views.flat_view(1, 1), config)
    network.theta["mean_kernel"].assign([[0.6]])
    network.theta["mean_bias"].assign([-0.3])
    names = ("mean_kernel", "mean_bias", "log_sigma")
    quadrature = _Quadrature(network)
    before = quadrature.trials(network.initial(2))
    batch = losses.Batch(before, quadrature.trials(network.adapt(before)))
    variables = [network.theta[n] for n in names] + [network.alpha[n] for n in names]
    with tf.GradientTape() as tape:
        total = losses.loss(network, batch).policy
    # Two steps in a trial: the loss has their mean, the return their sum.
    got = -2 * np.concatenate(
        [np.ravel(tf.convert_to_tensor(g)) for g in tape.gradient(total, variables)]
    )

    def after_step(point):
        theta = [tf.fill((2,), value) for value in tf.constant(point[:3])]
        with tf.GradientTape() as inner:
            inner.watch(theta)
            result = quadrature.expected(*theta)
        # The inner loss is a mean over the two steps, too.
        found = inner.gradient(result, theta)
        phi = [t + a * g / 2 for t, a, g in zip(theta, point[3:], found, strict=True)]
        return float(tf.reduce_mean(quadrature.expected(*phi)))

    point = np.array([float(np.ravel(variable)[0]) for variable in variables])
    exact = _differences(after_step, point)
    assert np.abs(exact).min() > 1e-3
    # Step sizes need no second derivative.
    np.testing.assert_allclose(got[3:], exact[3:], atol=1e-7)
    if credit == promp.NONE:
        assert np.abs(got[:3] - exact[:3]).max() > 0.01
    else:
        np.testing.assert_allclose(got[:3], exact[:3], atol=1e-7)


def test_divergence_is_that_of_gaussians():
    """Against samples of one of them."""
    one = DiagonalGaussian(tf.constant([[0.3, -1.0]]), tf.constant([-0.5, 0.2]))
    other = DiagonalGaussian(tf.constant([[0.0, -0.5]]), tf.constant([0.1, -0.1]))
    noise = np.random.default_rng(0).standard_normal((200_000, 2)).astype(np.float32)
    action = one.mean + tf.exp(one.log_sigma) * noise
    sampled = one.log_density(action) - other.log_density(action)
    assert float(one.divergence(other)[0]) == pytest.approx(
        float(tf.reduce_mean(sampled)), abs=0.02
    )
    assert float(one.divergence(one)[0]) == 0


def test_the_penalty_holds_the_initial_policy_near_the_one_that_played():
    network = PrompNetwork(FLAT, SMALL)
    batch = _batch(network)
    assert float(losses.loss(network, batch).divergence) == pytest.approx(0, abs=1e-6)
    network.theta["mean_bias"].assign_add([0.3, 0.0])
    found = losses.loss(network, batch)
    sigma = np.exp(SMALL.log_sigma)
    assert float(found.divergence) == pytest.approx(0.5 * (0.3 / sigma) ** 2, rel=1e-3)
    penalty = float(found.total - found.policy)
    assert penalty == pytest.approx(SMALL.kl_weight * float(found.divergence), abs=1e-7)


def _batch(network: PrompNetwork) -> losses.Batch:
    pool, agent = _pool(), PrompAgent(network, explore=True)
    played = [
        trial.of_goal(np.zeros(2, int))
        for trial in trials.play(pool, agent, ATTEMPTS, [1, 2], 4)
    ]
    rewards = [trial.reward for trial in played]
    return losses.Batch(
        network.gather(network.initial(2), played[:2], rewards[:2]),
        network.gather(agent.phi, played[2:], rewards[2:]),
    )


def test_baseline_explains_what_observation_and_time_do():
    rng = np.random.default_rng(1)
    place = rng.normal(size=(3, 4, 9, 2))
    time = np.arange(1, 10) / 9
    outcome = 2 + place[..., 0] - 3 * place[..., 1] ** 2 + time**3
    found = baseline.values(place, outcome)
    assert np.abs(found - outcome).max() < 0.1 * outcome.std()
    # Tasks are fitted apart.
    outcome[1] *= -1
    np.testing.assert_allclose(baseline.values(place, outcome)[1], -found[1])


def test_advantages_are_normalised_by_task_and_zero_without_reward():
    rng = np.random.default_rng(2)
    place, reward = rng.normal(size=(3, 4, 9, 2)), rng.normal(size=(3, 4, 9))
    reward[2] = 0
    found = baseline.normalised_advantages(place, reward, 0.9, 0.8)
    np.testing.assert_allclose(found.mean(axis=(1, 2)), 0, atol=1e-9)
    np.testing.assert_allclose(found.std(axis=(1, 2)), [1, 1, 0], atol=1e-4)
    trial = advantages(reward[0], np.zeros((4, 9)), 0.9, 1.0)
    value = baseline.values(place[:1], trial[None])[0]
    expected = advantages(reward[0], value, 0.9, 0.8)
    np.testing.assert_allclose(
        np.corrcoef(found[0].ravel(), expected.ravel())[0, 1], 1, atol=1e-9
    )


def test_agent_adapts_to_each_task_after_its_first_trials_and_forgets_it():
    pool, agent = _pool(), PrompAgent(PrompNetwork(FLAT, SMALL), explore=False)
    first = trials.play(pool, agent, ATTEMPTS, [1, 2], 4)
    adapted = agent.phi["mean_bias"].numpy()
    assert np.abs(adapted).min() > 1e-4  # it was zero
    assert np.abs(adapted[0] - adapted[1]).max() > 1e-4
    # Trials before the step are samples, those after it means of one policy.
    assert np.abs(first[0].action - first[1].action).min() > 0
    np.testing.assert_array_equal(first[2].action, first[3].action)
    again = trials.play(pool, agent, ATTEMPTS, [1, 2], 4)
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.action, two.action)
    other = trials.play(pool, agent, ATTEMPTS, [3, 4], 1)
    assert np.abs(other[0].action - first[0].action).min() > 0


def test_a_policy_without_inner_step_stays_as_it_is():
    config = dataclasses.replace(SMALL, inner_step=False)
    pool, agent = _pool(), PrompAgent(PrompNetwork(FLAT, config), explore=False)
    played = trials.play(pool, agent, ATTEMPTS, [1, 2], 3)
    np.testing.assert_array_equal(played[0].action, played[2].action)
    np.testing.assert_array_equal(agent.phi["mean_bias"], 0)


def test_the_step_follows_the_reward_that_the_agent_observes():
    """Trials that observe no reward leave the policy as it was."""
    pool = PointRobots("test", 6, 0, sparse=True, radius=1e-3)
    agent = PrompAgent(PrompNetwork(FLAT, SMALL), explore=False)
    played = trials.play(pool, agent, ATTEMPTS, [1, 2], 3)
    assert not any(trial.observed_reward.any() for trial in played)
    np.testing.assert_array_equal(agent.phi["mean_bias"], 0)


def test_entities_are_acted_on_with_parameters_of_each_task():
    """The vector that joins the observation adapts through the attention."""
    layout = observation.Layout(2)
    network = PrompNetwork(views.entity_view(layout, 5), SMALL)
    rng = np.random.default_rng(0)
    seen = tf.constant(rng.normal(size=(3, 2, 4, layout.state_size)), tf.float32)
    action = tf.constant(rng.normal(size=(3, 2, 4, 5)), tf.float32)
    advantage = tf.constant(rng.normal(size=(3, 2, 4)), tf.float32)
    sampled = network.policy(network.initial(3), seen)
    phi = network.adapt(Trials(seen, action, advantage, sampled))
    assert np.abs(phi["context"]).max() > 1e-5
    alone = {name: value[1:2] for name, value in phi.items()}
    np.testing.assert_allclose(
        network.policy(alone, seen[1:2]).mean[0],
        network.policy(phi, seen).mean[1],
        atol=1e-5,
    )
    now = network.act(phi, seen[:, 0, 3])
    np.testing.assert_allclose(
        now.mean, network.policy(phi, seen).mean[:, 0, 3], atol=1e-5
    )


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"credit": "dise"}, "choose from likelihood_ratio, dice, none"),
        ({"trials_per_task": 4}, "must be larger than pre_trials, 4"),
    ],
)
def test_settings_that_cannot_be_are_refused(setting, said):
    with pytest.raises(ValueError, match=said):
        PrompConfig(**setting)
