"""Attention of an image policy in the images that it observed."""

import numpy as np

from wtl.collection.drawing import svg
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.layout import Layout
from wtl.evaluation.camera_video import CameraVideo, Gaze

_PAUSE = 1.0  # seconds at the end of the loop


def draw(episode: Episode, layout: Layout, point: np.ndarray, heat: np.ndarray) -> str:
    """Return an SVG that plays an episode's images with the attention in them.

    Args:
      episode: the episode, with images.
      layout: of its states.
      point: [T, Q, 2] image coordinates of entities, then of anything else.
      heat: [T, h, w] shares of the attention.
    """
    seconds = (len(episode) - 1) / episode.metadata[fields.CONTROL_HZ]
    gaze = Gaze(point[:, : layout.entities], heat, None)
    video = CameraVideo(episode.steps[fields.IMAGE], None, gaze)
    return video.draw("", svg.Clip(0, seconds, seconds + _PAUSE))
