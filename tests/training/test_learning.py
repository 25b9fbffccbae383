"""Learning tests: the trained policies beat their baselines on held-out tasks."""

import json
import pathlib

import numpy as np
import pytest

from wtl.collection import opengl
from wtl.collection.worlds.tabletop import observation
from wtl.commands import cli
from wtl.datasets.contract import fields
from wtl.datasets.reading import reader
from wtl.pipeline import perception, stages
from wtl.training import perception_training

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_quickstart_order_and_margin(tmp_path):
    with pytest.raises(SystemExit) as ended:
        cli.main(
            [
                "run",
                f"--gin_file={ROOT}/gin_configs/quickstart.gin",
                f"--run_dir={tmp_path}/run",
            ]
        )
    assert ended.value.code == 0
    results = json.loads((tmp_path / "run/evaluation/results.json").read_text())
    methods = {k: v["overall"]["success"] for k, v in results["methods"].items()}
    assert methods["wtl"] > methods["mil"] > methods["bc"]
    assert results["paired"]["wtl_vs_mil"]["difference"] >= 0.15
    assert results["paired"]["wtl_vs_mil"]["ci95"][0] > 0
    failed = results["paired"]["after_failed_trial"]
    assert failed["wtl"]["success"] > failed["mil_second_try"]["success"]


@pytest.mark.slow
@pytest.mark.parametrize("model", [perception.OWN, perception.WATCHING])
def test_perception_finds_things_on_held_out_object_sets(model, tmp_path):
    try:
        opengl.find_renderer()
    except opengl.RendererNotFoundError as error:
        pytest.skip(str(error))
    stages.configure(
        f"{ROOT}/gin_configs/human_vision.gin",
        [
            "suite.train_object_sets=150",
            "suite.train_tasks=150",
            "suite.scenes_per_task=2",
            "suite.val_tasks=0",
            "suite.test_tasks=25",
            "collect_human_videos.scenes_per_task=2",
            "perception/TrainConfig.steps=1500",
            "perception/TrainConfig.batch_size=16",
            "perception/TrainConfig.window=4",
        ],
    )
    with stages.open_run(tmp_path / "run") as run:
        stages.perform(run, ["collect_demos", "collect_human_videos"])
        perception.train(run, model)
        path = run.datasets.require(model.dataset)
        store = reader.read(path, fields.SPLIT_TEST, images=run.images)
        made = run.suite.world.perception()
        network = made.create(observation.Layout(3), run.images, model.is_human)
        perception_training.restore(network, run.folder.policies / model.name)
    layout = observation.Layout(3)
    store = made.by_place(store, layout)
    proprioception = layout.proprioception(store.state, own=model is perception.OWN)
    seen = np.concatenate(
        [
            network.perceive(
                {"image": store.image[i : i + 20]}, proprioception[i : i + 20]
            ).numpy()
            for i in range(0, len(store), 20)
        ]
    )
    part = observation.slices(observation.OBJECT)
    truth, found = (layout.split(s)["objects"] for s in (store.state, seen))
    colour = truth[:, 0, :, part["rgb"]]
    guessed = np.abs(colour - colour.mean(axis=(0, 1))).mean()
    assert np.abs(found[:, 0, :, part["rgb"]] - colour).mean() < 0.6 * guessed
    place, was = truth[..., :2], truth[:, :1, :, :2]
    gone = np.linalg.norm(place - was, axis=-1)
    error = np.linalg.norm(found[..., :2] - place, axis=-1)
    moved = gone > 0.05
    assert moved.sum() > 200
    assert np.median(error[moved]) < 0.5 * np.median(gone[moved])
    assert np.median(error) < 0.025
