"""The stand-in operators against their definitions; where torchvision's own load, against those as well."""

import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from beltline.models import ensure_torchvision_ops
from beltline.models.torchvision_ops import nms, roi_align


def boxes_of(seed, count, *, whole=True, span=30):
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator) * span
    size = 1 + torch.rand(count, 2, generator=generator) * span
    boxes = torch.cat([corner, corner + size], 1)
    return boxes.round() if whole else boxes


def iou(a, b):
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return width * height / union if union > 0 else 0.0


def nms_by_definition(boxes, scores, threshold):
    kept = []
    for index in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        if all(iou(boxes[index], boxes[other]) <= threshold for other in kept):
            kept.append(index)
    return kept


@given(st.integers(0, 9999), st.integers(0, 12), st.sampled_from([0.0, 0.3, 0.5, 0.9]))
def test_nms_by_brute_force(seed, count, threshold):
    boxes = boxes_of(seed, count)
    levels = torch.randint(0, 6, (count,), generator=torch.Generator().manual_seed(seed)) / 6  # ties happen
    expected = nms_by_definition(boxes.tolist(), levels.tolist(), threshold)
    assert nms(boxes, levels, threshold).tolist() == expected


def test_nms_of_an_iou_at_the_threshold_keeps_both():
    boxes = torch.tensor([[0.0, 0, 2, 2], [0, 1, 2, 3]])  # IoU 1/3
    assert nms(boxes, torch.tensor([0.9, 0.8]), 1 / 3).tolist() == [0, 1]
    assert nms(boxes, torch.tensor([0.9, 0.8]), 0.33).tolist() == [0]


def test_nms_of_nothing_and_of_empty_boxes():
    assert nms(torch.zeros(0, 4), torch.zeros(0), 0.5).shape == (0,)
    point = torch.tensor([[3.0, 3, 3, 3]] * 2)
    assert nms(point, torch.tensor([0.1, 0.2]), 0.5).tolist() == [1, 0]


def sample(feature, y, x):
    """One bilinear sample (C,), the rules of the compiled operator."""
    height, width = feature.shape[1:]
    if y < -1 or y > height or x < -1 or x > width:
        return torch.zeros(feature.shape[0])
    y, x = min(max(y, 0.0), height - 1), min(max(x, 0.0), width - 1)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    dy, dx = y - top, x - left
    upper = feature[:, top, left] * (1 - dx) + feature[:, top, right] * dx
    lower = feature[:, bottom, left] * (1 - dx) + feature[:, bottom, right] * dx
    return upper * (1 - dy) + lower * dy


def roi_align_by_definition(features, rois, scale, out_h, out_w, ratio, aligned):
    result = torch.zeros(len(rois), features.shape[1], out_h, out_w)
    for n, (batch, x1, y1, x2, y2) in enumerate(rois.tolist()):
        shift = 0.5 if aligned else 0.0
        left, top = x1 * scale - shift, y1 * scale - shift
        width, height = (x2 - x1) * scale, (y2 - y1) * scale
        if not aligned:
            width, height = max(width, 1.0), max(height, 1.0)
        bin_w, bin_h = width / out_w, height / out_h
        per_x = ratio if ratio > 0 else max(0, -int(-bin_w // 1))
        per_y = ratio if ratio > 0 else max(0, -int(-bin_h // 1))
        for i in range(out_h):
            for j in range(out_w):
                total = torch.zeros(features.shape[1])
                for a in range(per_y):
                    for b in range(per_x):
                        y = top + (i + (a + 0.5) / per_y) * bin_h
                        x = left + (j + (b + 0.5) / per_x) * bin_w
                        total += sample(features[int(batch)], y, x)
                result[n, :, i, j] = total / max(per_x * per_y, 1)
    return result


FEATURES = torch.randn(2, 3, 10, 13, generator=torch.Generator().manual_seed(0))


def rois_of(rows):
    return torch.tensor(rows, dtype=torch.float32)


CASES = {
    "inside": [[0, 4, 4, 30, 30], [1, 8, 2, 40, 33]],
    "left and above": [[0, -20, -12, 9, 7], [1, -3, -3, 50, 36]],
    "right and below": [[0, 40, 30, 70, 60], [1, 47, 35, 60, 44]],
    "wholly outside": [[0, 200, 200, 240, 250], [1, -99, -99, -60, -60]],
    "under one pixel": [[0, 10, 10, 11, 11.5]],
    "empty": [[0, 10, 10, 10, 10], [1, 10, 10, 30, 10]],
    "order kept": [[1, 4, 4, 30, 30], [0, 0, 0, 9, 30], [1, 0, 0, 52, 40], [0, 4, 4, 30, 30]],
}


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("ratio", [0, 2])
@pytest.mark.parametrize("case", CASES)
def test_roi_align_by_definition(case, ratio, aligned):
    rois = rois_of(CASES[case])
    arguments = (FEATURES, rois, 0.25, 3, 2, ratio, aligned)
    torch.testing.assert_close(
        roi_align(*arguments), roi_align_by_definition(*arguments), rtol=1e-4, atol=1e-5
    )


@given(st.integers(0, 9999), st.sampled_from([0, 1, 3]), st.booleans())
def test_roi_align_by_definition_on_drawn_boxes(seed, ratio, aligned):
    boxes = boxes_of(seed, 3, whole=False, span=60) - 15
    rois = torch.cat([torch.tensor([[0.0], [1.0], [0.0]]), boxes], 1)
    arguments = (FEATURES, rois, 0.25, 2, 2, ratio, aligned)
    torch.testing.assert_close(
        roi_align(*arguments), roi_align_by_definition(*arguments), rtol=1e-4, atol=1e-5
    )


def test_roi_align_of_no_boxes():
    assert roi_align(FEATURES, torch.zeros(0, 5), 1.0, 7, 7, 2, True).shape == (0, 3, 7, 7)


def test_roi_align_of_a_constant_is_the_constant():
    out = roi_align(torch.full((1, 1, 9, 9), 2.5), rois_of([[0, 1, 1, 7, 6]]), 1.0, 4, 4, 0, True)
    torch.testing.assert_close(out, torch.full((1, 1, 4, 4), 2.5))


def test_roi_align_gradient():
    features = FEATURES[:, :, :5, :6].double().requires_grad_()
    rois = rois_of([[0, -2, 1, 9, 12], [1, 3, 3, 25, 30]])

    def pooled(x):
        return roi_align(x, rois, 0.25, 2, 2, 2, True)

    # computed in float32 inside: a coarse step and tolerance
    assert torch.autograd.gradcheck(pooled, (features,), eps=1e-2, atol=1e-3)


def test_registration_is_repeatable_and_the_operators_answer():
    state = ensure_torchvision_ops()
    assert state == ensure_torchvision_ops()
    assert state in ("native", "registered")
    boxes = boxes_of(1, 8)
    scores = torch.arange(8.0)
    expected = nms_by_definition(boxes.tolist(), scores.tolist(), 0.3)
    assert torch.ops.torchvision.nms(boxes, scores, 0.3).tolist() == expected
    rois = rois_of(CASES["inside"])
    torch.testing.assert_close(
        torch.ops.torchvision.roi_align(FEATURES, rois, 0.25, 3, 2, 2, True),
        roi_align_by_definition(FEATURES, rois, 0.25, 3, 2, 2, True),
        rtol=1e-4,
        atol=1e-5,
    )


def test_torchvision_uses_them():
    from torchvision import ops

    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 10, 10], [0, 0, 10, 10]])
    kept = ops.batched_nms(boxes, torch.tensor([0.9, 0.8, 0.7]), torch.tensor([0, 0, 1]), 0.5)
    assert kept.tolist() == [0, 2]  # the third is of another class
    pooled = ops.RoIAlign((2, 2), 1.0, 2, aligned=True)(FEATURES, rois_of([[0, 1, 1, 7, 7]]))
    assert pooled.shape == (1, 3, 2, 2)


def test_without_torchvision_it_is_absent(monkeypatch):
    from beltline.models import torchvision_ops

    monkeypatch.setattr(torchvision_ops, "_libraries", [])
    monkeypatch.setattr(torchvision_ops.importlib.util, "find_spec", lambda name: None)
    assert ensure_torchvision_ops() == "absent"
    assert "torchvision" in sys.modules
