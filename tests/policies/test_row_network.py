"""Policies that are given rows of observations, and nothing else of entities."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from wtl.collection.worlds.plain.layout import PlainLayout
from wtl.collection.worlds.tabletop import observation
from wtl.collection.worlds.tabletop_rich import observation as rich
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.reading.store import EpisodeStore
from wtl.policies import imitation
from wtl.policies.contextual import context as contexts
from wtl.policies.contextual import kind, row_loss
from wtl.policies.heads import FLOW, HEADS
from wtl.training.policy_config import config_for

BATCH, FRAMES, WINDOW = 3, 5, 4
LAYOUT = observation.Layout(3)
ENTITIES = LAYOUT.entities
CONFIG = dataclasses.replace(
    config_for("wtl", TaskDistribution()),
    encoder="rows",
    hidden=(16, 16),
    embedding=8,
    context_frames=FRAMES,
)


def _states(rng, *shape) -> tf.Tensor:
    return tf.constant(rng.standard_normal((*shape, LAYOUT.state_size)), tf.float32)


def _context(seed=0, demos=1, trials=2) -> contexts.Context:
    rng = np.random.default_rng(seed)

    def given(count):
        return contexts.ContextEpisodes(
            _states(rng, BATCH, count, FRAMES),
            tf.constant(rng.uniform(-1, 1, (BATCH, count, FRAMES, 5)), tf.float32),
            tf.ones((BATCH, count)),
            tf.ones((BATCH, count)),
        )

    return contexts.Context(
        given(demos),
        given(trials),
        privileged=None,
        state=_states(rng, BATCH),
        gumbel=tf.zeros((BATCH, ENTITIES)),
    )


@pytest.mark.parametrize("head", HEADS)
def test_rows_of_which_the_actor_predicts_the_same_explain_as_much(head, monkeypatch):
    network = kind.network(dataclasses.replace(CONFIG, head=head))
    embedding = network.encode(_context()).embedding
    rng = np.random.default_rng(1)
    example = imitation.Example(
        context=_context(),
        demo_acted=None,
        trial_acted=None,
        target=None,
        state=_states(rng, BATCH, WINDOW),
        action=tf.constant(rng.uniform(-1, 1, (BATCH, WINDOW, 5)), tf.float32),
        imitated=_context().demos,
    )
    alike = tf.zeros((BATCH * WINDOW, ENTITIES, 3))
    monkeypatch.setattr(network, "skills", lambda states: alike)
    nats = row_loss._nats(network, embedding, example, -3.0)
    assert nats.shape == (BATCH, ENTITIES)
    np.testing.assert_allclose(nats, tf.repeat(nats[:, :1], ENTITIES, 1), rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"layout": rich.Layout(3)}, "an entity and a way of acting on it"),
        ({"commits": True, "head": FLOW}, "commits needs head 'mixture'"),
        ({"next_frame": 1.0, "encoder": "entities"}, "next_frame needs encoder 'rows'"),
        ({"selects_target": False}, "selects a row"),
    ],
)
def test_settings_that_would_do_nothing_or_fail_later_are_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        dataclasses.replace(CONFIG, **settings)


def test_the_repeated_last_states_of_short_episodes_do_not_count_in_the_scale():
    rng, scaled = np.random.default_rng(0), []
    state = rng.standard_normal((2, 6, LAYOUT.state_size)).astype(np.float32)
    state[1, 3:] = state[1, 2]
    whole = np.concatenate([state[0], state[1, :3]])[None]
    for given, length in ((state, [6, 3]), (whole, [9])):
        empty = np.zeros((*given.shape[:2], 5), np.float32)
        store = EpisodeStore(given, empty, empty[..., 0], np.array(length), {})
        network = kind.network(CONFIG)
        network.scale(store)
        scaled.append(network._rows(tf.constant(state)))
    for name, row in scaled[0].items():
        np.testing.assert_allclose(row, scaled[1][name], atol=1e-5)


@pytest.fixture(scope="module")
def network():
    tf.keras.utils.set_random_seed(0)
    found = kind.network(CONFIG)
    found.encode(_context())
    return found


def _shuffled(states: tf.Tensor, order: np.ndarray) -> tf.Tensor:
    states = states.numpy()
    for name in LAYOUT.kinds:
        row = LAYOUT.split(states)[name]  # a view
        row[...] = row[..., order, :]
    return tf.constant(states)


def _outputs(network, context):
    encoding = network.encode(context)
    return encoding.target_logits.numpy(), encoding.embedding.numpy()


def test_the_order_of_rows_of_a_set_does_not_matter(network):
    context, order = _context(), np.array([2, 0, 1])
    moved = context._replace(
        demos=context.demos._replace(state=_shuffled(context.demos.state, order)),
        state=_shuffled(context.state, order[::-1]),
    )
    logits, embedding = _outputs(network, context)
    again, same = _outputs(network, moved)
    slots = np.concatenate([order[::-1], 3 + order[::-1]])
    np.testing.assert_allclose(again, logits[:, slots], atol=1e-5)
    np.testing.assert_allclose(same, embedding, atol=1e-5)
    assert np.ptp(logits, axis=1).min() > 1e-3

    target = tf.one_hot([1, 1, 1], ENTITIES)
    before = network.act(context.state, encoding := tf.constant(embedding), target)
    after = network.act(
        _shuffled(context.state, order),
        encoding,
        tf.one_hot(tf.fill([BATCH], int(np.flatnonzero(order == 1)[0])), ENTITIES),
    )
    predicted = (network.head.predict(actor) for actor in (before, after))
    for one, other in zip(*predicted, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_embedding_holds_nothing_of_the_scene(network):
    context = _context()
    logits, embedding = _outputs(network, context)
    other = context._replace(state=_context(seed=1).state)
    again, same = _outputs(network, other)
    np.testing.assert_allclose(same, embedding, atol=1e-6)
    assert not np.allclose(again, logits)


def test_episodes_that_are_not_given_do_not_matter(network):
    context = _context()
    mask = tf.constant([[1.0, 0.0]] * BATCH)
    without = context._replace(trials=context.trials._replace(mask=mask))
    other = tf.concat(
        [context.trials.state[:, :1], _states(np.random, BATCH, 1, FRAMES)], 1
    )
    changed = without._replace(trials=without.trials._replace(state=other))
    for one, same in zip(
        _outputs(network, without), _outputs(network, changed), strict=True
    ):
        np.testing.assert_allclose(one, same, atol=1e-6)
    assert not np.allclose(_outputs(network, context)[1], _outputs(network, without)[1])


def test_the_success_of_a_trial_matters_unless_it_is_hidden():
    for hidden in (False, True):
        config = CONFIG
        if hidden:
            config = dataclasses.replace(CONFIG, trial_success="hidden")
        found, context = kind.network(config), _context()
        failed = context.trials._replace(success=-context.trials.success)
        one, other = (
            _outputs(found, c)[0] for c in (context, context._replace(trials=failed))
        )
        assert np.allclose(one, other) == hidden


def test_the_row_that_moved_explains_a_demonstration(network):
    context, rng = _context(), np.random.default_rng(1)
    moved = np.array([2, 4, 0])
    state = np.repeat(context.state.numpy()[:, None, None], FRAMES, axis=2)
    for i, slot in enumerate(moved):
        kind_name = LAYOUT.kinds[slot // 3]
        LAYOUT.split(state[i, 0, -1])[kind_name][slot % 3, :3] += 30
    example = imitation.Example(
        context=context,
        demo_acted=None,  # labels are not read
        trial_acted=None,
        target=None,
        state=_states(rng, BATCH, WINDOW),
        action=tf.constant(rng.uniform(-1, 1, (BATCH, WINDOW, 5)), tf.float32),
        imitated=context.demos._replace(state=tf.constant(state)),
    )
    found = row_loss.loss(network, example, tf.constant(-2.0))
    logits, _ = _outputs(network, context)
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(moved, logits)
    np.testing.assert_allclose(found.target, np.mean(entropy), rtol=1e-3)
    assert float(found.certainty) > 0.99
    assert np.isclose(found.total, found.imitation + found.target)


def test_rows_explain_all_actions_of_a_window():
    """Twice the same actions are twice the evidence for a row."""
    layout = PlainLayout(
        parts=(("discs", 4), ("hand", 2)), set_sizes=(("discs", 2),), actions=2
    )
    config = dataclasses.replace(CONFIG, layout=layout, action_size=2, trials=False)
    tf.keras.utils.set_random_seed(0)
    found, rng = kind.network(config), np.random.default_rng(0)

    def drawn(*shape):
        return tf.constant(rng.standard_normal(shape), tf.float32)

    ones, size = tf.ones((1, 1)), layout.state_size
    demos = contexts.ContextEpisodes(
        drawn(1, 1, FRAMES, size), drawn(1, 1, FRAMES, 2), ones, ones
    )
    example = imitation.Example(
        context=contexts.Context(demos, demos, None, drawn(1, size), tf.zeros((1, 2))),
        demo_acted=None,
        trial_acted=None,
        target=None,
        state=drawn(1, WINDOW, size),
        action=drawn(1, WINDOW, 2),
        # Nothing changes.
        imitated=demos._replace(state=tf.repeat(drawn(1, 1, 1, size), FRAMES, axis=2)),
    )
    log_choice = tf.nn.log_softmax(found.encode(example.context).target_logits)[0]

    def evidence(times):
        """Log odds of the first row by actions alone, from the cross-entropy."""
        given = example._replace(
            state=tf.tile(example.state, (1, times, 1)),
            action=tf.tile(example.action, (1, times, 1)),
        )
        loss = row_loss.loss(found, given, tf.constant(-2.0)).target
        between = log_choice[0] - log_choice[1]
        share = float((-loss - log_choice[1]) / between)
        return np.log(share / (1 - share)) - float(between)

    assert abs(evidence(1)) > 0.005
    assert np.isclose(evidence(2), 2 * evidence(1), rtol=1e-2)


def test_what_rows_do_not_allow_is_refused():
    with pytest.raises(ValueError, match="encoder is 'sets'; it may be"):
        dataclasses.replace(CONFIG, encoder="sets")
    with pytest.raises(ValueError, match="selects_target"):
        dataclasses.replace(CONFIG, selects_target=False)
    tecnet = config_for("tecnet", TaskDistribution())
    with pytest.raises(ValueError, match="encoder is 'rows'"):
        dataclasses.replace(tecnet, encoder="rows")


def _moves(rng, count) -> tuple[imitation.Example, np.ndarray]:
    """Draw demonstrations that move an object, and the same object in another scene.

    Returns:
      The examples, and the slots of these objects there.
    """
    first = rng.standard_normal((count, LAYOUT.state_size)).astype(np.float32)
    place = observation.slices(observation.OBJECT)["position"]
    scene, slots = first.copy(), rng.integers(3, size=count)
    shown, imitated = (np.repeat(first[:, None, None], FRAMES, axis=2) for _ in "12")
    there = np.empty(count, int)
    for i, slot in enumerate(slots):
        objects = LAYOUT.split(scene[i])["objects"]  # a view
        order = rng.permutation(3)
        objects[...] = objects[order]
        objects[:, place] = rng.standard_normal((3, 3))
        there[i] = np.flatnonzero(order == slot)[0]
    imitated[...] = scene[:, None, None]
    for states, moved in ((shown, slots), (imitated, there)):
        for i, slot in enumerate(moved):
            objects = LAYOUT.split(states[i, 0])["objects"]
            objects[:, slot, place] += np.linspace(0, 6, FRAMES)[:, None]
    reached = LAYOUT.split(scene)["objects"][np.arange(count), there][:, place]
    action = np.concatenate([reached, np.zeros((count, 2))], axis=1) / 3

    def given(states):
        ones = tf.ones((count, 1))
        actions = tf.zeros((count, 1, FRAMES, 5))
        return contexts.ContextEpisodes(tf.constant(states), actions, ones, ones)

    demos = given(shown)
    trials = demos._replace(mask=tf.zeros((count, 1)))
    gumbel = tf.zeros((count, ENTITIES))
    example = imitation.Example(
        context=contexts.Context(demos, trials, None, tf.constant(scene), gumbel),
        demo_acted=None,
        trial_acted=None,
        target=None,
        state=tf.constant(np.repeat(scene[:, None], WINDOW, axis=1)),
        action=tf.constant(np.repeat(action[:, None], WINDOW, axis=1), tf.float32),
        imitated=given(imitated),
    )
    return example, there


@pytest.mark.slow
def test_rows_are_matched_by_their_attributes_without_labels():
    tf.keras.utils.set_random_seed(0)
    found = kind.network(dataclasses.replace(CONFIG, embedding=32))
    rng = np.random.default_rng(0)
    found.encode(_moves(rng, 2)[0].context)
    optimizer = tf.keras.optimizers.legacy.Adam(3e-3)

    @tf.function(reduce_retracing=True)
    def step(example):
        with tf.GradientTape() as tape:
            total = row_loss.loss(found, example, tf.constant(-1.0)).total
        variables = found.trainable_variables
        optimizer.apply_gradients(
            zip(tape.gradient(total, variables), variables, strict=True)
        )

    for _ in range(100):
        step(_moves(rng, 64)[0])
    held_out, there = _moves(np.random.default_rng(1), 300)
    logits, _ = _outputs(found, held_out.context)
    assert np.mean(logits.argmax(axis=1) == there) > 0.8  # by chance a third


@pytest.mark.slow
def test_next_frames_make_the_context_encode_dynamics():
    """The gains of an episode show in its trial; imitation here needs none of them."""
    tf.keras.utils.set_random_seed(0)
    found = kind.network(dataclasses.replace(CONFIG, embedding=16, next_frame=1.0))
    rng = np.random.default_rng(0)
    optimizer = tf.keras.optimizers.legacy.Adam(3e-3)

    def example(rng, count=32):
        sign = rng.choice([-1.0, 1.0], count)

        def episodes():
            action = rng.uniform(-1, 1, (count, 1, FRAMES, 5)).astype(np.float32)
            state = np.zeros((count, 1, FRAMES, LAYOUT.state_size), np.float32)
            moved = np.cumsum(action[..., :1] * sign[:, None, None, None], axis=2)
            state[:, :, 1:, :1] = moved[:, :, :-1]
            ones = tf.ones((count, 1))
            return contexts.ContextEpisodes(tf.constant(state), action, ones, ones)

        trials = episodes()
        given = contexts.Context(
            episodes()._replace(mask=tf.zeros((count, 1))),
            trials,
            None,
            trials.state[:, 0, 0],
            tf.zeros((count, ENTITIES)),
        )
        return given, episodes()

    @tf.function(reduce_retracing=True)
    def step(given, imitated):
        with tf.GradientTape() as tape:
            loss = found.next_frame_loss(found.encode(given).embedding, imitated)
        variables = tape.watched_variables()
        optimizer.apply_gradients(
            zip(tape.gradient(loss, variables), variables, strict=True)
        )

    for _ in range(80):
        step(*example(rng))
    given, imitated = example(np.random.default_rng(1), 256)
    loss = found.next_frame_loss(found.encode(given).embedding, imitated)
    mirrored = given.trials._replace(action=-given.trials.action)
    wrong = found.encode(given._replace(trials=mirrored)).embedding
    assert 3 * float(loss) < float(found.next_frame_loss(wrong, imitated))
