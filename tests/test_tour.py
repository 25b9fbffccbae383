"""The notebook runs from top to bottom, on the smallest run."""

import pathlib
import shutil

import nbformat
from nbclient import NotebookClient

_TOUR = pathlib.Path(__file__).resolve().parents[1] / "examples" / "tour.ipynb"


def test_the_tour_runs(finished_run, tmp_path, monkeypatch):
    monkeypatch.setenv("WTL_RUN", str(finished_run))
    notebook = nbformat.read(shutil.copy(_TOUR, tmp_path), as_version=4)
    NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    pictures = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 3
