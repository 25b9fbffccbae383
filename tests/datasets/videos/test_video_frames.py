"""Frames of video files: which ones, how they are cut out, and what is refused."""

import math
import subprocess
import sys

import av
import numpy as np
import pytest
from fake_videos import film, number_of, numbered

from wtl.datasets.videos import video_frames
from wtl.datasets.videos.video_frames import VideoError

_HZ = 10.0
_VARIABLE = np.cumsum([0, *np.random.default_rng(0).choice([0.02, 0.05, 0.4, 1.1], 30)])


def _film(path, times, **options):
    film(path, (numbered(i) for i in range(len(times))), times, **options)
    return path


def _on_screen(times, start_s=0.0, end_s=math.inf):
    """Numbers of the frames that a viewer sees at each tenth of a second."""
    count = int((min(end_s, times[-1]) - start_s) * _HZ + 1e-6) + 1
    due = start_s + np.arange(count) / _HZ
    return [int(np.flatnonzero(times <= time + 1e-3)[-1]) for time in due]


@pytest.mark.parametrize(
    "times",
    [
        np.arange(15) / 5,
        np.arange(30) / 10,
        np.arange(72) / 24,
        np.arange(90) / 30,
        np.arange(180) / 60,
        _VARIABLE,
        5 + np.arange(90) / 30,
    ],
    ids=["5", "10", "24", "30", "60", "variable", "starts late"],
)
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_frames_are_those_on_screen(tmp_path, times, codec):
    quality = {"qscale": "1"} if codec == "mpeg4" else None
    _film(tmp_path / "a.mp4", times, codec=codec, options=quality)
    found = video_frames.read(tmp_path / "a.mp4", 64, _HZ)
    assert found.dtype == np.uint8 and found.shape[1:] == (64, 64, 3)
    assert [number_of(image) for image in found] == _on_screen(times - times[0])


def test_frames_that_are_stored_out_of_order_come_in_order(tmp_path):
    times = np.arange(90) / 30
    _film(tmp_path / "a.mp4", times, options={"crf": "5", "bf": "3"})
    found = video_frames.read(tmp_path / "a.mp4", 64, _HZ)
    # Whether an edit list hides the first frames or not, they count from there.
    assert [number_of(image) for image in found] == _on_screen(times)


@pytest.mark.parametrize(("start_s", "end_s"), [(1, 2), (0.55, 9), (0, 1.25)])
def test_a_part_is_cut_out(tmp_path, start_s, end_s):
    times = np.arange(90) / 30
    _film(tmp_path / "a.mp4", times)
    found = video_frames.read(tmp_path / "a.mp4", 64, _HZ, start_s, end_s)
    expected = _on_screen(times, start_s, end_s)
    assert [number_of(image) for image in found] == expected


@pytest.mark.parametrize("size", [(96, 64), (64, 96), (320, 180), (50, 50), (40, 32)])
@pytest.mark.parametrize("rotation", [0, 90, 180, -90])
def test_the_middle_is_kept_upright(tmp_path, size, rotation):
    upright = [numbered(number, *size) for number in range(100, 110)]
    # Filmed with the camera turned: players turn it back.
    filmed = [np.ascontiguousarray(np.rot90(i, -rotation // 90)) for i in upright]
    film(tmp_path / "a.mp4", filmed, np.arange(10) / 10, rotation=rotation)
    found = video_frames.read(tmp_path / "a.mp4", 64, _HZ)
    assert [number_of(image) for image in found] == list(range(100, 110))


_AXES = {0: (1, 0, 0, 1), 90: (0, -1, 1, 0), 180: (-1, 0, 0, -1), -90: (0, 1, -1, 0)}


@pytest.mark.parametrize("rotation", _AXES)
@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_mirrored_videos_are_shown_as_players_show_them(tmp_path, rotation, suffix):
    upright = [numbered(number, 96, 64) for number in range(100, 110)]
    mirrored = [np.ascontiguousarray(image[:, ::-1]) for image in upright]
    filmed = [np.ascontiguousarray(np.rot90(i, -rotation // 90)) for i in mirrored]
    path = tmp_path / f"a.{suffix}"
    film(path, filmed, np.arange(10) / 10)
    # Players turn the frames, and mirror them then.
    a, b, c, d = _AXES[rotation]
    data = bytearray(path.read_bytes())
    at = data.find(b"tkhd") + 4 + 40  # matrix of the track, 16.16 numbers
    for place, number in ((0, -a), (4, b), (12, -c), (16, d)):
        data[at + place : at + place + 4] = (number << 16).to_bytes(
            4, "big", signed=True
        )
    path.write_bytes(data)
    found = video_frames.read(path, 64, _HZ)
    assert [number_of(image) for image in found] == list(range(100, 110))
    whole = video_frames.at_times(path, np.arange(10) / 10, (64, 96, 3), 0.01)
    assert np.abs(whole[0].astype(int) - upright[0]).mean() < 20


def test_scaling_down_does_not_alias(tmp_path):
    fine = np.zeros((256, 256, 3), np.uint8)
    fine[::2, ::2] = fine[1::2, 1::2] = 255
    film(tmp_path / "a.mp4", [fine] * 10, np.arange(10) / 10, options={"qp": "0"})
    found = video_frames.read(tmp_path / "a.mp4", 60, _HZ)[:, 3:-3, 3:-3]
    # Picking every fourth pixel or so would give black, white, or a pattern.
    assert 110 < found.mean() < 145 and found.std() < 8


def test_a_minute_is_enough_and_more_is_refused(tmp_path):
    times = np.arange(305) / 5
    small = [numbered(0, 32, 32)] * len(times)
    film(tmp_path / "a.mp4", small, times)
    with pytest.raises(VideoError, match="lasts more than 60 s; cut it"):
        video_frames.read(tmp_path / "a.mp4", 16, _HZ)
    assert len(video_frames.read(tmp_path / "a.mp4", 16, _HZ, 1)) == 599
    assert len(video_frames.read(tmp_path / "a.mp4", 16, _HZ, 0, 60)) == 601


def test_too_short_is_refused(tmp_path):
    _film(tmp_path / "a.mp4", np.arange(7) / 10)
    with pytest.raises(VideoError, match="too short: 7 frames at 10 Hz .* at least 8"):
        video_frames.read(tmp_path / "a.mp4", 64, _HZ)
    _film(tmp_path / "b.mp4", np.arange(8) / 10)
    assert len(video_frames.read(tmp_path / "b.mp4", 64, _HZ)) == 8
    with pytest.raises(VideoError, match="too short: 5 frames"):
        video_frames.read(tmp_path / "b.mp4", 64, _HZ, 0.3)
    with pytest.raises(VideoError, match="too short: 0 frames"):
        video_frames.read(tmp_path / "b.mp4", 64, _HZ, 100)


def test_too_many_pixels_are_refused(tmp_path):
    wide = np.zeros((16, 4112, 3), np.uint8)
    film(tmp_path / "a.mp4", [wide] * 10, np.arange(10) / 10, codec="mpeg4")
    with pytest.raises(VideoError, match="has 4112 × 16 pixels; at most 4096"):
        video_frames.read(tmp_path / "a.mp4", 64, _HZ)


@pytest.mark.parametrize("movflags", ["", "faststart", "frag_keyframe+empty_moov"])
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_a_truncated_file_is_refused(tmp_path, movflags, codec):
    path = _film(tmp_path / "a.mp4", np.arange(90) / 30, codec=codec, movflags=movflags)
    assert len(video_frames.read(path, 64, _HZ)) == 30
    whole = path.read_bytes()
    with av.open(str(path)) as container:
        entries = container.streams.video[0].index_entries
        # The ends of frames too, where a decoder sees nothing amiss.
        cuts = [entries[i].pos for i in (1, 30, 60, 89)]
    cuts += [len(whole) * share // 10 for share in range(1, 10)]
    if "frag" not in movflags:  # these end with what only helps to seek
        cuts.append(len(whole) - 1)
    for cut in cuts:
        path.write_bytes(whole[:cut])
        with pytest.raises(VideoError, match="cut off|no video stream|too short"):
            video_frames.read(path, 64, _HZ)


def _audio(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 16000), np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate, frame.pts = 16000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_sound_alone_is_refused(tmp_path):
    _audio(tmp_path / "a.mp4")
    with pytest.raises(VideoError, match="has no video stream"):
        video_frames.read(tmp_path / "a.mp4", 64, _HZ)


def test_what_is_no_mp4_is_refused(tmp_path):
    _film(tmp_path / "a.mp4", np.arange(20) / 10)
    other = tmp_path / "playlist.mp4"
    for content in (
        np.random.default_rng(0).bytes(5000),
        # FFmpeg would follow it if it were left to guess the format.
        f"#EXTM3U\n#EXTINF:2,\n{tmp_path / 'a.mp4'}\n#EXT-X-ENDLIST\n".encode(),
        b"ffconcat version 1.0\nfile a.mp4\n",
    ):
        other.write_bytes(content)
        with pytest.raises(VideoError, match="cannot be decoded: .*no mp4"):
            video_frames.read(other, 64, _HZ)


def test_damage_never_crashes(tmp_path):
    path = _film(tmp_path / "a.mp4", np.arange(20) / 10)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        damaged = bytearray(whole)
        for at in rng.integers(len(whole), size=8):
            damaged[at] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            assert video_frames.read(path, 64, _HZ).shape[1:] == (64, 64, 3)
        except VideoError:
            refused += 1
    assert 0 < refused


_PEAK = """
import resource, sys
from wtl.datasets.videos import video_frames
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
video_frames.read(sys.argv[1], 64, 10.0)
before = peak()
video_frames.read(sys.argv[2], 64, 10.0)
print(peak() - before)
"""


def test_memory_does_not_grow_with_the_length(tmp_path):
    image = numbered(1, 1280, 720)  # 2.6 MiB
    for name, count in (("short", 10), ("long", 120)):
        times = np.arange(count) / 10
        film(tmp_path / f"{name}.mp4", [image] * count, times, codec="mpeg4")
    child = subprocess.run(
        [
            sys.executable,
            "-c",
            _PEAK,
            *(tmp_path / f"{n}.mp4" for n in ("short", "long")),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(child.stdout) < 60  # MiB; all frames would take 300
