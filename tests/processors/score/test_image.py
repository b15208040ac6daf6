"""What the numbers about a colour image mean."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from processors.score.decode import UnreadableImageError
from processors.score.image import METRICS, ImageScore, ImageScorer

Messages = Callable[[str, str], list[Any]]
Image = NDArray[np.uint8]


def textured(seed: int = 0) -> Image:
    """A grey scene, 320 x 240, with structure at several scales."""
    rng = np.random.default_rng(seed)
    image = np.zeros((240, 320))
    for size in (1, 3, 9):
        layer = cv2.GaussianBlur(rng.normal(0, 1, image.shape), (0, 0), size)
        image += 15 * layer / layer.std()
    return (128 + image).clip(10, 245).astype(np.uint8)


def colourful() -> Image:
    """A scene like that, 320 x 240, blue green red."""
    return np.stack([textured(seed) for seed in range(3)], axis=2)


def jpeg(image: Image, quality: int = 90) -> bytes:
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])


def of_jpeg(payload: bytes) -> ImageScore:
    return ImageScorer().score(payload, encoding="jpeg", width=0, height=0, step=0)


def score(*images: Image) -> ImageScore:
    """Score of the last of these images."""
    scorer = ImageScorer()
    for image in images:
        height, width = image.shape
        result = scorer.score(image.tobytes(), encoding="mono8", width=width, height=height, step=width)
    return result


def score_stream(stream: list[Any]) -> list[ImageScore | None]:
    """Scores of a recorded stream; None where a frame is unreadable."""
    scorer, scores = ImageScorer(), []
    for message in stream:
        try:
            payload = bytes(message.data)
            scores.append(scorer.score(payload, encoding=message.format, width=0, height=0, step=0))
        except UnreadableImageError:
            scores.append(None)
    return scores


def test_every_metric_is_a_number_of_the_score() -> None:
    scorer = ImageScorer()
    for _ in range(2):
        result = scorer.score(jpeg(colourful()), encoding="jpeg", width=0, height=0, step=0)
    assert all(math.isfinite(getattr(result, name)) for name in METRICS)
    assert set(ImageScore._fields) == set(METRICS)


def test_sharpness_and_noise_are_the_published_formulas() -> None:
    image = textured()
    wide = np.pad(image.astype(float), 1, mode="reflect")
    laplacian = wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:] - 4 * wide[1:-1, 1:-1]
    curvature = np.diff(np.diff(image.astype(float), n=2, axis=0), n=2, axis=1)
    assert score(image).sharpness == pytest.approx(laplacian.var(), rel=1e-9)
    assert score(image).noise == pytest.approx(math.sqrt(math.pi / 2) / 6 * np.abs(curvature).mean(), rel=1e-6)


def test_noise_measures_the_noise_of_a_plain_scene() -> None:
    plain = 128 + np.random.default_rng(1).normal(0, 8, (240, 320))
    assert score(plain.round().astype(np.uint8)).noise == pytest.approx(8, rel=0.05)


def test_blur_lowers_sharpness() -> None:
    image = textured()
    blurred = np.asarray(cv2.blur(image, (9, 1)), dtype=np.uint8)
    assert score(blurred).sharpness < 0.5 * score(image).sharpness


def test_detail_falls_with_blur_and_hardly_with_contrast_or_light() -> None:
    image = textured()
    dim = (0.4 * image).astype(np.uint8)
    blurred = np.asarray(cv2.GaussianBlur(image, (0, 0), 2), dtype=np.uint8)
    assert score(dim).detail == pytest.approx(score(image).detail, rel=0.05)
    assert score(blurred).detail < 0.65 * score(image).detail


def test_strong_compression_shows_in_blocks_and_in_the_table() -> None:
    fine, coarse = of_jpeg(jpeg(colourful(), 90)), of_jpeg(jpeg(colourful(), 10))
    again = of_jpeg(jpeg(cv2.imdecode(np.frombuffer(jpeg(colourful(), 10), np.uint8), cv2.IMREAD_COLOR), 90))
    assert coarse.quantisation > 10 * fine.quantisation
    assert coarse.blockiness > fine.blockiness + 2
    assert again.quantisation == fine.quantisation
    assert again.blockiness > fine.blockiness + 2


def test_a_colour_cast_shows_in_its_colour() -> None:
    image = colourful()
    red = image.copy()
    red[:, :, 2] = (red[:, :, 2] * 1.25).clip(0, 255)
    assert of_jpeg(jpeg(red)).red_green - of_jpeg(jpeg(image)).red_green == pytest.approx(math.log(1.25), abs=0.03)
    assert of_jpeg(jpeg(red)).blue_green == pytest.approx(of_jpeg(jpeg(image)).blue_green, abs=0.01)


def test_quarters_are_means_of_quarters() -> None:
    image = textured()
    image[:120, 160:] //= 2
    result = score(image)
    assert result.upper_right == pytest.approx(image[:120, 160:].mean())
    assert result.lower_left == pytest.approx(image[120:, :160].mean())


def test_a_covered_part_of_the_lens_is_flat_by_its_share() -> None:
    image = textured()
    covered = image.copy()
    covered[:, :80] = 40 + np.random.default_rng(2).normal(0, 1, (240, 80)).round()
    assert score(image).flat_share < 0.01
    assert score(covered).flat_share == pytest.approx(0.25, abs=0.01)


def test_the_ends_of_the_range_are_clipped() -> None:
    image = textured()
    image[0, :6] = [0, 2, 3, 252, 253, 255]
    assert score(image).clipped_share == pytest.approx(4 / image.size)


def test_brightness_is_the_mean() -> None:
    image = textured()
    assert score(image).brightness == pytest.approx(image.mean())


def test_motion_is_the_mean_difference_from_the_image_before() -> None:
    one, other = textured(1), textured(2)
    assert math.isnan(score(one).motion)
    assert score(one, other).motion == pytest.approx(np.abs(one.astype(float) - other).mean())
    assert score(one, other, other).motion == 0
    assert math.isnan(score(one[:200], other).motion)


def test_after_an_unreadable_image_motion_is_from_the_last_readable_one() -> None:
    one, other, scorer = textured(1), textured(2), ImageScorer()
    scorer.score(one.tobytes(), encoding="mono8", width=320, height=240, step=320)
    with pytest.raises(UnreadableImageError):
        scorer.score(b"", encoding="mono8", width=320, height=240, step=320)
    after = scorer.score(other.tobytes(), encoding="mono8", width=320, height=240, step=320)
    assert after.motion == score(one, other).motion


def test_recorded_motion_blur_stands_apart_from_every_other_frame(messages: Messages, recordings: Path) -> None:
    labels = json.loads((recordings / "station_composite_faults.labels.json").read_text())
    numbers = {
        label["kind"]: label["message_numbers"]["/head/color"]
        for label in labels
        if label["stream"] == "/head/color" and "message_numbers" in label
    }
    scores = score_stream(messages("station_composite_faults", "/head/color"))
    assert [number for number, one in enumerate(scores) if one is None] == numbers["corrupt_jpeg"]
    usual = np.median([one.sharpness for one in scores if one])
    ratios = {number: one.sharpness / usual for number, one in enumerate(scores) if one}
    blurred = set(numbers["motion_blur"])
    assert max(ratios[number] for number in blurred) < 0.4
    assert min(ratio for number, ratio in ratios.items() if number not in blurred) > 0.6


def test_a_camera_that_repeats_frames_by_itself_is_seen_to(messages: Messages) -> None:
    scores = score_stream(messages("g1_pick_bottle_29", "/head/color"))
    assert sum(one.motion == 0 for one in scores if one) == 56
