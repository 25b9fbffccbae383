"""Whatever a browser says is either a message in range or refused."""

import json

import pytest

from wtl.collection.teleop import messages
from wtl.collection.teleop.interface import IDLE, Command


def test_axes_at_rest_are_no_axes():
    text = '{"type": "drive", "axes": [0, 0, 0, 0]}'
    assert messages.parse(text, 4).command == IDLE


def test_a_drive_message_becomes_a_command():
    text = '{"type": "drive", "seq": 7, "axes": [0, 0.4, 0, -1], "latch": 1}'
    said = messages.parse(text, 4)
    assert said == messages.Drive(Command(axes=(0.0, 0.4, 0.0, -1.0), latch=1.0), 7)
    dragged = messages.parse('{"type": "drive", "goal": [0.5, -0.5], "wait": true}', 4)
    assert dragged.command == Command(goal=(0.5, -0.5), wait=True)
    led = messages.parse('{"type": "drive", "lead": [null, 1.5, 0, -20]}', 4)
    assert led.command == Command(lead=(None, 1.5, 0.0, -20.0))
    assert led.command.moves  # although there may be no way to go


@pytest.mark.parametrize(
    ("verb", "value"),
    [
        ("keep", None),
        ("speed", 0.5),
        ("speed", 1),
        ("override", True),
        ("override", None),
        ("name", "Ann B."),
    ],
)
def test_a_verb_takes_its_values(verb, value):
    text = json.dumps({"type": "do", "verb": verb, "value": value})
    assert messages.parse(text, 4) == messages.Do(verb, value)


@pytest.mark.parametrize(
    "text",
    [
        b"\x00\xff",
        "",
        "[]",
        "[" * 500,
        "null",
        "{",
        '{"type": "drive", "axes": [0, 0, 0, 0]}' + " " * 600,
        '{"type": "drive", "axes": [0, 0, 0]}',
        '{"type": "drive", "axes": [0, 0, 0, 1.01]}',
        '{"type": "drive", "axes": [0, 0, 0, NaN]}',
        '{"type": "drive", "axes": [0, 0, 0, 1e999]}',
        '{"type": "drive", "axes": [0, 0, 0, true]}',
        '{"type": "drive", "axes": [0, 0, 0, "1"]}',
        '{"type": "drive", "axes": {"0": 1}}',
        '{"type": "drive", "latch": 2}',
        '{"type": "drive", "latch": [1]}',
        '{"type": "drive", "goal": [2, 0]}',
        '{"type": "drive", "goal": [null, 0]}',
        '{"type": "drive", "lead": [0, 0, 0]}',
        '{"type": "drive", "lead": [0, 0, 0, 1e4]}',
        '{"type": "drive", "lead": [0, 0, 0, NaN]}',
        '{"type": "drive", "lead": [0, 0, 0, false]}',
        '{"type": "drive", "lead": 0}',
        '{"type": "drive", "wait": 1}',
        '{"type": "drive", "seq": -1}',
        '{"type": "drive", "seq": 1.5}',
        '{"type": "drive", "path": "/etc/passwd"}',
        '{"type": "do"}',
        '{"type": "do", "verb": "tick"}',
        '{"type": "do", "verb": "__init__"}',
        '{"type": "do", "verb": ["keep"]}',
        '{"type": "do", "verb": "keep", "value": 1}',
        '{"type": "do", "verb": "speed", "value": 100}',
        '{"type": "do", "verb": "speed", "value": true}',
        '{"type": "do", "verb": "override", "value": 1}',
        '{"type": "do", "verb": "name", "value": "../../x"}',
        '{"type": "do", "verb": "name", "value": "a\\nb"}',
        '{"type": "do", "verb": "name", "value": ""}',
        '{"type": "do", "verb": "keep", "file": "x"}',
        '{"type": "exec"}',
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(messages.MessageError):
        messages.parse(text, 4)
