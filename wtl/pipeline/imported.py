"""Runs on imported demonstrations, which have no environment."""

import dataclasses

from wtl.collection.worlds.plain import dataset_world
from wtl.collection.worlds.recognition import world_of
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.format import schema
from wtl.datasets.storage import location
from wtl.pipeline.run_folder import RunFolder


def on_its_data(suite: TaskDistribution, folder: RunFolder) -> TaskDistribution:
    """Return the tasks of a run, those of its dataset if that is imported.

    A run is on its dataset if `suite.domain` is 'dataset', or if its demonstrations
    are of no known world.

    Raises:
      UserError: if the configuration asks for a dataset and there is none.
    """
    versions = location.versions(folder.datasets / fields.WTL_DEMOS)
    if not versions:
        if suite.domain == dataset_world.NAME:
            raise UserError(
                f"suite.domain = 'dataset' needs demonstrations: `wtl import` them "
                f"with --out={folder.datasets} --name={fields.WTL_DEMOS}"
            )
        return suite
    version = versions[-1]
    if suite.domain != dataset_world.NAME:
        # Recordings of environments that are no world's name none.
        named = location.read_provenance(version).get(fields.PROVENANCE_WORLD)
        if named or world_of(version, schema.stored_spec(version)):
            return suite
        print(
            f"{version} is of no world that is installed: the run is on the dataset, "
            "without an environment"
        )
    domain = f"{dataset_world.PREFIX}{version.absolute()}"
    return dataclasses.replace(
        suite, domain=domain, families=None, left_out="", motor_faults=None, puck=None
    )
