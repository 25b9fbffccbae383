import dataclasses

import numpy as np
import pytest

from wtl.evaluation.rollout_row import RolloutRow, read_csv, write_csv

ROW = RolloutRow(
    method="wtl",
    task_id="test-00001-press-0",
    family="press",
    rule="position:2",
    pair=3,
    scene_seed=2**63 + 5,
    demo_id="demo-1",
    trial_ids=("trial-1", "trial-2"),
    episode_id="eval-1",
    success=True,
    wrong_target=False,
    conflict=True,
    ceiling=1 / 3,
    trial_success=False,
)


def test_rows_come_back_as_they_were(tmp_path):
    rows = [
        ROW,
        dataclasses.replace(ROW, trial_ids=(), trial_success=None),
        dataclasses.replace(ROW, rule="", wrong_target=None, conflict=None),
        dataclasses.replace(ROW, ceiling=None, open_targets=3),
        dataclasses.replace(ROW, family='a,"b"\nc', trial_success=True),
    ]
    path = tmp_path / "deep" / "episodes.csv"
    write_csv(rows, path)
    assert read_csv(path) == rows
    assert [file.name for file in path.parent.iterdir()] == ["episodes.csv"]


def test_numpy_values_are_written_like_those_of_python(tmp_path):
    row = dataclasses.replace(
        ROW, success=np.True_, trial_success=np.False_, ceiling=np.float64(0.5)
    )
    write_csv([row], tmp_path / "rows.csv")
    (found,) = read_csv(tmp_path / "rows.csv")
    assert found.success is True and found.trial_success is False
    assert found.ceiling == 0.5


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "rows.csv"
    write_csv([ROW], path)
    with pytest.raises(ValueError, match="space"):
        write_csv([dataclasses.replace(ROW, trial_ids=("a b",))], path)
    assert read_csv(path) == [ROW]


@pytest.mark.parametrize("damage", ["cut", "word", "header"])
def test_a_damaged_file_is_refused_by_name(tmp_path, damage):
    path = tmp_path / "rows.csv"
    write_csv([ROW], path)
    header, line = path.read_text().splitlines()
    if damage == "cut":
        line = line[: len(line) // 2]
    elif damage == "word":
        line = line.replace(",3,", ",three,")
    else:
        header = header.replace("pair", "pear")
    path.write_text(f"{header}\n{line}\n")
    with pytest.raises(ValueError, match="rows.csv"):
        read_csv(path)


def test_columns_of_another_version_are_left_out(tmp_path):
    path = tmp_path / "rows.csv"
    write_csv([ROW], path)
    header, line = path.read_text().splitlines()
    path.write_text(f"weather,{header}\nfine,{line}\n")
    assert read_csv(path, run="a") == [dataclasses.replace(ROW, run="a")]


def test_tables_without_the_number_of_open_targets_are_read(tmp_path):
    path = tmp_path / "rows.csv"
    write_csv([dataclasses.replace(ROW, open_targets=3)], path)
    path.write_text(
        path.read_text().replace(",open_targets", "").replace(",1,3,", ",1,")
    )
    assert read_csv(path) == [ROW]


def test_key_and_kind():
    assert ROW.key == ("test-00001-press-0", 3)
    assert ROW.rule_kind == "position"
