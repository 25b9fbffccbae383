"""Progress where standard error is not a terminal."""

import io
import sys

from wtl.datasets.contract.progress import progress


def _logged(monkeypatch, minutes_per_step: float) -> list[str]:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    now = 0.0
    monkeypatch.setattr("tqdm.std.time", lambda: now)
    with progress(total=4, desc="train mil", unit="step", position=1) as bar:
        for _ in range(4):
            now += 60 * minutes_per_step
            bar.update()
    return sys.stderr.getvalue().splitlines(keepends=True)


def test_a_log_gets_whole_lines_with_the_time_left(monkeypatch):
    lines = _logged(monkeypatch, 1.0)
    assert all(line.startswith("train mil: ") and line[-1] == "\n" for line in lines)
    assert not any(control in "".join(lines) for control in "\r\x1b")
    assert "50% 2/4" in lines[2] and "<02:00" in lines[2]


def test_a_log_gets_a_line_a_minute_at_most(monkeypatch):
    lines = _logged(monkeypatch, 0.25)
    assert ["0%" in lines[0], "100% 4/4" in lines[-1]] == [True, True]
    assert len(lines) <= 3
