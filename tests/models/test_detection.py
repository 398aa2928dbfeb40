"""Every small detector learns; assignment and suppression by hand; published sizes."""

import pytest
import torch

from beltline.models.detection import DETECTORS, Target, build_detector
from beltline.models.detection_assign import assign, generalized_iou
from beltline.models.detection_small import STRIDES, SmallDetector, _places, quality_focal_loss, suppressed
from beltline.models.torchvision_ops import ensure_torchvision_ops

ensure_torchvision_ops()
from torchvision.ops import box_iou, generalized_box_iou, sigmoid_focal_loss  # noqa: E402  # after the operators

SIDE = 96
SMALL = [name for name in DETECTORS if name.endswith("small") or name == "Starter"]
BOXES = torch.tensor([[8.0, 8, 24, 24], [40, 16, 88, 56], [0, 0, 96, 96]])  # one for each level


def scene() -> tuple[torch.Tensor, list[Target]]:
    """A dark, an orange and a blue rectangle, then air alone."""
    images = torch.ones(2, 3, SIDE, SIDE)
    images[0, :, :, :] = 0.9
    for (x1, y1, x2, y2), color in zip(
        BOXES.int().tolist()[:2], ((0.1, 0.1, 0.1), (0.9, 0.5, 0.1)), strict=True
    ):
        images[0, :, y1:y2, x1:x2] = torch.tensor(color)[:, None, None]
    none = Target(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    return images, [Target(BOXES, torch.tensor([0, 1, 2])), none]


def step(detector, optimizer, images, targets) -> float:
    loss = torch.stack(list(detector.loss(images, targets).values())).sum()
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(detector.parameters(), 5.0)
    optimizer.step()
    return float(loss.detach())


@pytest.mark.parametrize("name", SMALL)
def test_gradients_reach_every_parameter(name):
    torch.manual_seed(0)
    detector = build_detector(name, 3, SIDE)
    images, targets = scene()
    optimizer = torch.optim.AdamW(detector.parameters(), lr=1e-3)
    reached: set[str] = set()
    for _ in range(4):  # what starts at zero passes nothing on in the first step
        step(detector, optimizer, images, targets)
        reached |= {
            n for n, p in detector.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0
        }
    wanted = {n for n, p in detector.named_parameters() if p.requires_grad}
    assert wanted - reached == set()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name != "Starter" else []) for name in SMALL]
)
def test_a_batch_is_overfitted(name):
    torch.manual_seed(0)
    detector = build_detector(name, 3, SIDE)
    images, targets = scene()
    optimizer = torch.optim.AdamW(detector.parameters(), lr=2e-3)
    first = step(detector, optimizer, images, targets)
    for _ in range(80 if name == "Starter" else 120):
        last = step(detector, optimizer, images, targets)
    assert last < first
    found, empty = detector.predict(images)
    best = [int((found.scores * (found.labels == label)).argmax()) for label in range(3)]
    assert found.labels[best].tolist() == [0, 1, 2]
    assert box_iou(found.boxes[best], BOXES).diagonal().min() > 0.5
    assert empty.scores.max() < found.scores[best].min() if len(empty.scores) else True


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "classes", "millions"),
    [  # torchvision's and the papers' figures for COCO
        ("FCOS", 91, 32.3),
        ("RetinaNet", 91, 34.0),
        ("Faster R-CNN", 90, 41.8),
        ("RT-DETRv2", 80, 20.0),
        ("D-FINE", 80, 10.2),
    ],
)
def test_published_sizes_are_those_of_the_papers(name, classes, millions):
    detector = build_detector(name, classes, 640)
    count = sum(p.numel() for p in detector.parameters()) / 1e6
    assert count == pytest.approx(millions, rel=0.02)


def test_places_stand_in_the_order_of_the_boxes():
    detector = SmallDetector(2, backbone="resnet10t", width=8, channels=(8, 8, 8, 8)).eval()
    with torch.no_grad():
        boxes, _ = detector.dense(torch.rand(1, 3, 64, 96))
    places = _places(64, 96, boxes.device)
    assert places.shape == (sum(64 * 96 // s**2 for s in STRIDES), 3)
    assert (boxes[0, :, 0] < places[:, 0]).all()
    assert (boxes[0, :, 2] > places[:, 0]).all()
    assert (boxes[0, :, 1] < places[:, 1]).all()
    assert (boxes[0, :, 3] > places[:, 1]).all()
    assert places[0].tolist() == [4, 4, 8]
    assert places[-1].tolist() == [80, 48, 32]


def test_assignment_by_hand():
    places = torch.tensor([[4.0, 4, 8], [12, 4, 8], [20, 4, 8], [60, 60, 8]])
    boxes = torch.tensor([[0.0, 0, 16, 8], [0, 0, 16, 16], [0, 0, 16, 8], [0, 0, 16, 8]])
    scores = torch.full((2, 4), 0.25)
    found = assign(boxes, scores, places, Target(torch.tensor([[0.0, 0, 16, 8]]), torch.tensor([1])))
    # the third place is within a stride of the centre (8, 4) no more, the fourth far away
    assert found.place.tolist() == [0, 1]
    # IoU 1 and 1/2: alignment 0.5 and 0.5 / 64, scaled so that the best place wants its IoU of 1
    torch.testing.assert_close(found.score, torch.tensor([1, 1 / 64]))


def test_a_contested_place_goes_to_the_object_it_overlaps_most():
    places = torch.tensor([[8.0, 8, 8]])
    boxes = torch.tensor([[0.0, 0, 16, 16]])
    target = Target(torch.tensor([[0.0, 0, 40, 40], [0, 0, 16, 20]]), torch.tensor([0, 0]))
    found = assign(boxes, torch.ones(1, 1), places, target)
    assert found.object.tolist() == [1]


def test_the_smallest_object_has_a_place():
    places = _places(64, 64, torch.device("cpu"))
    boxes = torch.cat([places[:, :2] - 4, places[:, :2] + 4], 1)
    target = Target(torch.tensor([[31.0, 31, 32, 32]]), torch.tensor([0]))
    assert len(assign(boxes, torch.ones(1, len(places)), places, target).place) > 0


def test_generalised_iou_is_torchvisions():
    generator = torch.Generator().manual_seed(0)
    corner = 50 * torch.rand(2, 40, 2, generator=generator)
    first, second = torch.cat([corner, corner + 30 * torch.rand(2, 40, 2, generator=generator) + 1], 2)
    torch.testing.assert_close(
        generalized_iou(first, second), generalized_box_iou(first, second).diagonal(), atol=1e-5, rtol=1e-4
    )


def test_suppression_by_hand():
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30]])
    scores = torch.tensor([[0.9, 0.8, 0.01], [0.3, 0.5, 0.6]])
    found = suppressed(boxes, scores)
    # of class 0 the second is the first again, the third too weak; in class 1 the second beats the first
    assert list(zip(found.labels.tolist(), found.boxes[:, 0].tolist(), strict=True)) == [
        (0, 0),
        (1, 20),
        (1, 0),
    ]
    torch.testing.assert_close(found.scores, torch.tensor([0.9, 0.6, 0.5]))


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="there is FCOS small"):
        build_detector("YOLO", 2, 64)


def test_a_backbone_without_the_strides_is_refused():
    with pytest.raises(ValueError, match=r"\(8, 16, 32\)"):
        SmallDetector(2, backbone="vit_tiny_patch16_224", width=8)


def test_quality_focal_loss_is_torchvisions_focal_loss_where_nothing_is_in_between():
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 7, generator=rng)
    wanted = (torch.rand(4, 7, generator=rng) > 0.7).float()
    expected = sigmoid_focal_loss(logits, wanted, alpha=-1, gamma=2, reduction="sum")
    torch.testing.assert_close(quality_focal_loss(logits, wanted), expected)
    soft = torch.rand(4, 7, generator=rng)
    plain = torch.nn.functional.binary_cross_entropy_with_logits(logits, soft, reduction="sum")
    torch.testing.assert_close(quality_focal_loss(logits, soft, power=0), plain)
    reached = soft.logit().requires_grad_()
    quality_focal_loss(reached, soft).backward()
    assert reached.grad.abs().max() < 1e-6  # a score that is as wanted does not move
