"""Statistics and the two-sample classifier: known answers on made-up pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from typer.testing import CliRunner

from beltline.cli.data import data_app
from beltline.core import BadInputError
from beltline.data import compare_folders, foreground_statistics
from beltline.data.compare.realism import _logistic_fit, separation_auc
from beltline.formats import write_png


def card(seed: int, color: tuple[int, int, int], noise: float = 6.0) -> NDArray[np.uint8]:
    """A coloured rectangle on white with noise."""
    rng = np.random.default_rng(seed)
    image = np.full((150, 200, 3), 255.0)
    r, c = rng.integers(5, 25, 2)
    image[r : r + 120, c : c + 160] = color
    image[r : r + 120, c : c + 160] += rng.normal(0, noise, (120, 160, 3))
    return np.clip(image, 0, 255).astype(np.uint8)


def test_statistics_of_a_flat_orange_card() -> None:
    stats = foreground_statistics(card(0, (200, 120, 20), noise=0))
    grey = 0.299 * 200 + 0.587 * 120 + 0.114 * 20
    assert stats.luminance == pytest.approx([grey] * 6, abs=0.01)
    assert stats.hue[0] == 1.0
    assert stats.foreground == pytest.approx(120 * 160 / (150 * 200))
    assert stats.gradient[0] == 0


@pytest.mark.parametrize(
    ("color", "sector"),
    [((200, 120, 20), 0), ((120, 130, 20), 1), ((40, 140, 50), 2), ((30, 140, 130), 3), ((30, 80, 190), 4)],
)
def test_hues_fall_into_their_sectors(color: tuple[int, int, int], sector: int) -> None:
    assert foreground_statistics(card(0, color, noise=0)).hue[sector] == 1.0


def quarters(*colors: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Equal upright stripes of the colours, 40 px high and 10 px wide each, on white."""
    image = np.full((60, 10 * len(colors) + 20, 3), 255, dtype=np.uint8)
    for number, color in enumerate(colors):
        image[10:50, 10 + 10 * number : 20 + 10 * number] = color
    return image


def test_palette_counts_every_pixel_that_is_not_air_and_how_bright_the_blue_is() -> None:
    stripes = [(20, 80, 180), (20, 60, 120), (60, 160, 60), (220, 130, 40), (180, 175, 170)]
    yellow_green, teal = (150, 170, 30), (30, 140, 130)  # vivid, yet none of the named colours
    found = foreground_statistics(quarters(*stripes, yellow_green, teal, (230, 225, 220)))
    assert found.palette == pytest.approx((2 / 8, 1 / 8, 1 / 8, 2 / 8))
    assert found.blue_value == pytest.approx((180 + 120) / 2 / 255)


def test_a_scan_without_blue_has_no_value_of_blue_and_json_says_null() -> None:
    found = foreground_statistics(quarters((220, 130, 40)))
    assert np.isnan(found.blue_value)
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["blue_value"] is None


def test_an_empty_belt_has_no_statistics() -> None:
    with pytest.raises(ValueError, match="nothing but air"):
        foreground_statistics(np.full((20, 20, 3), 255, dtype=np.uint8))


def test_the_same_kind_of_picture_cannot_be_told_apart_but_another_can() -> None:
    first = [[card(s, (200, 120, 20))] for s in range(30)]
    same = [[card(s + 100, (200, 120, 20))] for s in range(30)]
    other = [[card(s + 200, (190, 125, 30))] for s in range(30)]
    assert 0.3 < separation_auc(first, same) < 0.7
    assert separation_auc(first, other) > 0.95


def test_logistic_weights_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(200, 4))
    label = (features @ [1.0, -2.0, 0.5, 0] + rng.normal(size=200) > 0).astype(float)
    ridge = 0.02
    reference = LogisticRegression(
        C=1 / (ridge * 200), fit_intercept=False, class_weight="balanced", tol=1e-8
    )
    reference.fit(features, label)
    np.testing.assert_allclose(
        _logistic_fit(features, label, ridge), reference.coef_[0], rtol=2e-3, atol=1e-3
    )


def test_folders_are_compared_and_small_ones_refused(tmp_path: Path) -> None:
    for name, color in (("a", (200, 120, 20)), ("b", (60, 140, 60))):
        (tmp_path / name).mkdir()
        for s in range(12):
            write_png(tmp_path / name / f"{s}.png", card(s, color))
    report = compare_folders(tmp_path / "a", tmp_path / "b")
    assert report.auc_scans > 0.95
    assert report.simulated.hue[0] == 1.0
    assert report.real.hue[2] > 0.999
    assert report.real.palette[1] > 0.99
    written = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert written["real"]["blue_value"] is None
    assert written["simulated"]["palette"] == list(report.simulated.palette)
    with pytest.raises(BadInputError, match="at least 10"):
        compare_folders(tmp_path / "a", tmp_path / "none")


def test_the_printed_table_names_palette_and_value_of_blue(tmp_path: Path) -> None:
    for name, color in (("a", (20, 80, 180)), ("b", (60, 160, 60))):
        (tmp_path / name).mkdir()
        for s in range(10):
            write_png(tmp_path / name / f"{s}.png", card(s, color))
    shown = CliRunner().invoke(data_app, ["realism", str(tmp_path / "a"), str(tmp_path / "b")])
    assert shown.exit_code == 0, shown.output
    rows = {line[:24].strip(): line[24:].split() for line in shown.output.splitlines()}
    assert rows["pixels blue %"] == ["100.0", "0.0"]
    assert rows["pixels green %"] == ["0.0", "100.0"]
    assert rows["pixels pale %"] == ["0.0", "0.0"]
    assert float(rows["value of blue"][0]) == pytest.approx(180 / 255, abs=0.01)
    assert rows["value of blue"][1] == "-"
