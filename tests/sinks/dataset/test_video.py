import errno

import av.error
import numpy as np
import pytest

from saltwell.errors import RetryError
from sinks.dataset import video
from sinks.dataset.video import WrongVideo, write_video

PICTURES = [np.full((32, 32, 3), 10 * k, np.uint8) for k in range(3)]


def _failing(error: Exception):
    def frame(*_):
        raise error

    return frame


def test_a_video_that_the_encoder_refuses_is_told_of_its_episode(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(video, "_frame", _failing(av.error.ExternalError(errno.EINVAL, "no")))
    with pytest.raises(WrongVideo, match="head.mp4 can't be encoded"):
        write_video(tmp_path / "head.mp4", PICTURES, fps=30)


def test_a_full_disk_is_no_fault_of_the_episode(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(video, "_frame", _failing(av.error.OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(RetryError, match="head.mp4 can't be encoded: No space left on device; make room"):
        write_video(tmp_path / "head.mp4", PICTURES, fps=30)
