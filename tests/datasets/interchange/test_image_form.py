"""Arrays of other formats become images where that is certain, and only then."""

import numpy as np
import pytest

from wtl.datasets.contract.errors import UserError
from wtl.datasets.interchange.image_form import ImageForm

_RGB = np.random.default_rng(0).integers(0, 256, (4, 12, 16, 3), np.uint8)
_ALPHA = np.full((4, 12, 16, 1), 255, np.uint8)
_GRAY = _RGB[..., :1]


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (_RGB, _RGB),
        (_RGB[:, :2, :4], _RGB[:, :2, :4]),
        (_RGB.transpose(0, 3, 1, 2), _RGB),
        (np.concatenate([_RGB, _ALPHA], -1), _RGB),
        (np.concatenate([_RGB, _ALPHA], -1).transpose(0, 3, 1, 2), _RGB),
        (_GRAY, _GRAY.repeat(3, -1)),
        (_GRAY[..., 0], _GRAY.repeat(3, -1)),
        (_GRAY.transpose(0, 3, 1, 2), _GRAY.repeat(3, -1)),
    ],
)
def test_images_of_bytes_become_rgb(array, expected):
    found, remark = ImageForm().apply("front", array)
    assert found.dtype == np.uint8 and not remark
    np.testing.assert_array_equal(found, expected)


def test_a_transparency_is_left_out_with_a_remark():
    found, remark = ImageForm().apply("front", np.concatenate([_RGB, _GRAY], -1))
    np.testing.assert_array_equal(found, _RGB)
    assert "alpha of front" in remark


@pytest.mark.parametrize(
    ("array", "value_range"),
    [
        ((_RGB / 255).astype(np.float32), "0,1"),
        (_RGB / 127.5 - 1, "-1,1"),
        (_RGB.astype(np.int64), "0,255"),
        (_RGB.astype(np.float16), "0,255"),
        (_RGB.astype(np.uint16) * 257, "0,65535"),
        ((_RGB / 255).transpose(0, 3, 1, 2), "0,1"),
        (_RGB > 127, "0,1"),
    ],
)
def test_other_images_are_scaled_from_their_range(array, value_range):
    form = ImageForm.parse(0, value_range)
    found, _ = form.apply("front", array)
    expected = 255 * (_RGB > 127) if array.dtype == bool else _RGB
    np.testing.assert_array_equal(found, expected)
    # Without a range they stay the numbers that they are.
    assert ImageForm().apply("front", array) is None
    for outside in (array.astype(np.float64) * 3, array * np.nan):
        with pytest.raises(ValueError, match="'front' has values from"):
            form.apply("front", outside)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 7)),
        np.zeros((4, 12, 16), np.float32),  # matrices
        np.zeros((4, 5, 3), np.uint8),
        np.zeros((4, 5, 5, 2), np.uint8),
        np.zeros((4, 2, 12, 16, 3), np.uint8),
        np.zeros((4, 12, 16, 3), complex),
    ],
)
def test_other_arrays_are_no_images(array):
    assert ImageForm(value_range=(0, 1)).apply("points", array) is None


def test_one_channel_is_scaled_with_a_remark():
    gray = (_GRAY / 255).astype(np.float32)
    for array in (gray, gray.transpose(0, 3, 1, 2)):
        found, remark = ImageForm(value_range=(0, 1)).apply("front", array)
        np.testing.assert_array_equal(found, _GRAY.repeat(3, -1))
        assert "front has one channel" in remark
        assert ImageForm().apply("front", array) is None  # it may well be a depth


def test_images_are_cropped_and_scaled():
    wide = np.zeros((2, 32, 64, 3), np.uint8)
    wide[:, :, 16:48] = (0, 200, 0)
    found, _ = ImageForm.parse(8, None).apply("front", wide)
    assert found.shape == (2, 8, 8, 3)
    assert np.abs(found[:, :, 1:-1] - np.array([0, 200, 0])).max() < 16


@pytest.mark.parametrize(
    ("pixels", "value_range"),
    [(4, None), (0, "1"), (0, "1,0"), (0, "0,nan"), (0, "0,inf"), (0, "a,b")],
)
def test_odd_options_are_refused(pixels, value_range):
    with pytest.raises(UserError):
        ImageForm.parse(pixels, value_range)
