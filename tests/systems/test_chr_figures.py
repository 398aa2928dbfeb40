"""What is measured on a set: localisation, calibration and operating points, by hand."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import nn

from beltline.core import BadInputError
from beltline.metrics import sigmoid, wilson
from beltline.models.chr import Chr, ChrOutput
from beltline.systems.chr.data import ShardData
from beltline.systems.chr.figures import (
    BOX_THRESHOLDS,
    PFAS,
    Scores,
    _localise,
    build_evaluate,
    calibrate,
    figures,
    score,
)
from beltline.systems.chr.recipe import build_model
from beltline.training.recipe_values import with_values
from beltline.training.shards import Batch

CLASSES = ("gun", "knife")


class Oracle(nn.Module):
    """Answers with darkness (class 0) and blueness (class 1) of the 8 x 8 cells: right on the tiny shards."""

    def __init__(self, classifier):
        super().__init__()
        self.classifier = classifier
        for head in classifier.heads:
            nn.init.zeros_(head.bias)

    def forward(self, image):
        red, blue = image[:, 0], image[:, 2]
        cells = nn.functional.avg_pool2d(torch.stack([-blue, blue - red - 0.3], 1), 8)
        return ChrOutput(cells.amax((2, 3))[:, None], (cells,))


@pytest.fixture(scope="module")
def oracle(tiny_recipe):
    return Oracle(build_model(dataclasses.replace(tiny_recipe, variant="plain")).classifier)


def drawn(seed=0, count=200):
    rng = np.random.default_rng(seed)
    labels = (rng.random((count, 2)) < 0.4).astype(np.float32)
    logits = (2 * labels - 1 + rng.normal(0, 1.5, labels.shape)).astype(np.float32)
    nothing = np.full_like(labels, np.nan)
    ious = np.full((*labels.shape, len(BOX_THRESHOLDS)), np.nan, np.float32)
    return Scores(logits, labels, nothing, nothing, ious)


def test_scores_are_float32_also_of_a_recipe_that_trains_in_bfloat16(tiny_recipe, tiny_shards):
    """As the exported model runs; in the 8 bits of bfloat16 many scans tie, and ties decide the figures."""
    recipe = with_values(tiny_recipe, {"precision": "bf16-mixed"})
    model = build_model(recipe)
    found = score(recipe, model, ShardData(tiny_shards))
    exact = score(tiny_recipe, model, ShardData(tiny_shards))
    np.testing.assert_array_equal(found.logits, exact.logits)
    rounded = torch.from_numpy(found.logits).bfloat16().float().numpy()
    assert (found.logits != rounded).mean() > 0.9


def test_equal_peaks_of_a_map_hit_by_their_share():
    """A flat map says nothing: it hits as often as chance does, not always or never."""
    masks = torch.zeros(1, 2, 4, 4)
    masks[0, 0, :2, :2] = 1  # a quarter of the scan, where the first of equal peaks lies
    batch = Batch(torch.zeros(1, 3, 32, 32), torch.tensor([[1.0, 0.0]]), masks)
    hits, strict, _ = _localise(torch.zeros(1, 2, 4, 4), batch, boxes=False)
    assert strict[0, 0] == 0.25
    assert 0.25 < hits[0, 0] < 1
    assert np.isnan(strict[0, 1])


def test_a_model_that_looks_in_the_right_place_scores_full(oracle, tiny_recipe, tiny_shards):
    assert isinstance(oracle.classifier, Chr)
    found = score(tiny_recipe, oracle, ShardData(tiny_shards))
    present = found.labels == 1
    assert present.any(0).all()
    assert (found.hits[present] == 1).all()
    assert (found.strict_hits[present] == 1).all()
    assert np.isnan(found.hits[~present]).all()
    assert np.isnan(found.ious[~present]).all()
    best = found.ious[present].max(1)
    assert best.mean() > 0.75  # boxes are read off cells of eight pixels
    wrong = dataclasses.replace(found, logits=-found.logits)
    assert figures(found, calibrate(found), CLASSES)["mean"]["auc"] == 1
    assert figures(wrong, calibrate(found), CLASSES)["mean"]["auc"] == 0


def test_limit_and_boxes_save_work(oracle, tiny_recipe, tiny_shards):
    found = score(tiny_recipe, oracle, ShardData(tiny_shards), limit=7, boxes=False)
    assert found.logits.shape == (7, 2)
    assert np.isnan(found.ious).all()
    assert not np.isnan(found.hits).all()


def test_a_folder_without_scans_is_named(oracle, tiny_recipe, tmp_path):
    (tmp_path / "classes.json").write_text('["gun", "knife"]')
    with pytest.raises(BadInputError, match="no complete shard"):
        score(tiny_recipe, oracle, ShardData(tmp_path))


def test_numbers_while_training(oracle, tiny_recipe, tiny_shards):
    found = build_evaluate(tiny_recipe, ShardData(tiny_shards))(oracle)
    assert found == {"map": 1, "auc": 1, "pointing": 1}


def test_thresholds_hold_their_rate_where_they_were_chosen():
    scores = drawn()
    chosen = calibrate(scores)
    assert list(chosen["thresholds"]) == [f"{pfa:g}" for pfa in PFAS]
    for k in range(2):
        scale, bias = chosen["calibration"]["scale"][k], chosen["calibration"]["bias"][k]
        probs = sigmoid(scale * scores.logits[:, k].astype(float) + bias)
        negatives = probs[scores.labels[:, k] == 0]
        for pfa in PFAS:
            assert (negatives >= chosen["thresholds"][f"{pfa:g}"][k]).mean() <= pfa
        positives = scores.labels[:, k].mean()
        assert probs.mean() == pytest.approx(positives, abs=0.02)  # calibrated in the large


def test_scan_thresholds_hold_the_rate_of_the_whole_scan():
    scores = drawn()
    chosen = calibrate(scores)
    found = figures(scores, chosen, CLASSES)["whole_scan"]
    empty = (scores.labels == 0).all(1).sum()
    for pfa in PFAS:
        reached = found[f"{pfa:g}"]["pfa"]["value"]
        assert pfa - 2.5 / empty < reached <= pfa  # one scan more, give or take a tie, would be too many


def test_the_box_threshold_is_the_one_with_the_best_mean_overlap():
    scores = drawn(count=4)
    assert calibrate(scores)["box_threshold"] == 0.5  # nothing was measured
    ious = scores.ious.copy()
    ious[0, 0] = [0.1, 0.2, 0.3, 0.2, 0.1, 0.0]
    ious[1, 0] = [0.1, 0.2, 0.3, 0.2, 0.6, 0.0]
    assert calibrate(dataclasses.replace(scores, ious=ious))["box_threshold"] == 0.6


def test_figures_by_hand():
    labels = np.array([[1, 0], [1, 0], [0, 0], [0, 0], [np.nan, 0]], np.float32)
    logits = np.array([[2, 0], [-1, 0], [1, 0], [-3, 0], [9, 0]], np.float32)
    hits = np.array([[1, np.nan], [0, np.nan], *[[np.nan] * 2] * 3], np.float32)
    ious = np.full((5, 2, len(BOX_THRESHOLDS)), np.nan, np.float32)
    ious[:2, 0, BOX_THRESHOLDS.index(0.4)] = [0.7, 0.2]
    chosen = {
        "calibration": {"scale": [1.0, 1.0], "bias": [0.0, 0.0]},
        "thresholds": {"0.05": [0.5, 0.5]},
        "scan_thresholds": {"0.05": [0.8, 0.6]},
        "box_threshold": 0.4,
    }
    found = figures(Scores(logits, labels, hits, hits, ious), chosen, CLASSES)
    gun, knife = found["classes"]["gun"], found["classes"]["knife"]
    assert found["scans"] == 5
    assert gun["positives"] == 2
    assert gun["ap"] == pytest.approx((1 + 2 / 3) / 2)
    assert gun["auc"] == pytest.approx(3 / 4)
    assert gun["pointing"] == gun["corloc"] == 0.5
    one_of_two = wilson(1, 2)
    expected = dataclasses.asdict(one_of_two)
    assert gun["operating_points"]["0.05"] == {"pd": expected, "pfa": expected}
    assert knife["positives"] == 0
    assert all(math.isnan(knife[key]) for key in ("ap", "auc", "pointing", "corloc"))
    assert found["mean"]["ap"] == gun["ap"]  # a class without positives is not in the mean
    assert found["mean"]["pd_at_pfa_0.05"] == 0.5
    # the first scan alarms (0.88), no other does; the last one is not known to be empty
    point = found["whole_scan"]["0.05"]
    assert (point["pd"]["value"], point["pfa"]["value"]) == (0.5, 0)
    assert point["pfa"] == dataclasses.asdict(wilson(0, 2))
