"""The parts of the XSeg experiment: sets, prompts that know no truth, measures, rules, starts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.protocols.xseg_pictures import COLORS, SIZE, TINY, bags, tiny_set
from torch import Tensor

from beltline.core import BadInputError
from beltline.data.public import fake_public_set, import_public_set, public_set
from beltline.formats import read_set
from beltline.formats.click_shards import (
    OBJECT,
    ClickBag,
    open_click_shards,
    write_click_classes,
    write_click_shard,
)
from beltline.metrics.clicks import centre_click, click_curve
from beltline.metrics.segmentation import mask_dice, mask_iou
from beltline.models.apsam import Apsam
from beltline.models.sam import Sam
from beltline.models.segmenter import ClickSegmenter
from beltline.protocols.xseg.batches import ClickBatches
from beltline.protocols.xseg.click_row import build_click_row, has_click_row
from beltline.protocols.xseg.data import ClickSet, kept_set, squared, squared_mask
from beltline.protocols.xseg.measure import click_curves, dice_of, measure, taken, touched_part
from beltline.protocols.xseg.networks import AtSide, build_network, sam_of, trained_parameters
from beltline.protocols.xseg.plan import METHODS, ONE_CLICK, SCALES
from beltline.protocols.xseg.pretraining import PretrainedSam, pretrained_sam, pretraining_loss
from beltline.protocols.xseg.prompts import Asker, ClickTraining, Prompt, corrections
from beltline.protocols.xseg.sources import bags_of, real_data, windows_of
from beltline.protocols.xseg.trivial import best_tolerance, dark, disc, flood, grabcut, measure_rule, whole


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> ClickSet:
    return tiny_set(tmp_path_factory.mktemp("set"))


class Colours(ClickSegmenter):
    """Cuts out what has the colour of the first click: all of it where there are more clicks."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def encode(self, image: Tensor) -> Tensor:
        return image

    def decode(self, embedding: Tensor, points: Tensor, labels: Tensor) -> Tensor:
        x, y = points[:, 0].long().T
        colour = embedding[torch.arange(len(x)), :, y, x]
        same = (embedding - colour[:, :, None, None]).abs().amax(1, keepdim=True) < 0.02
        half = torch.arange(self.side) < x[:, None] + (0 if points.shape[1] == 1 else self.side)
        return torch.where(same & half[:, None, None], 9.0, -9.0)


def test_a_set_keeps_pictures_and_masks(data: ClickSet) -> None:
    assert data.pictures.shape == (4, 32, 32, 3)
    assert len(data.rows()) == 8
    assert len(data.rows(wanted=False)) == 4
    for row, (kind, original) in zip(
        range(3), enumerate(found.mask for found in next(bags(4))[1]), strict=True
    ):
        mask = data.masks([row])[0]
        assert mask.sum() == pytest.approx(original.sum() / 4, rel=0.3)
        assert np.median(data.pictures[0][mask], axis=0) == pytest.approx(COLORS[kind], abs=2)
    with pytest.raises(BadInputError, match="seed was 0, now 5"):
        kept_set(Path(data.pictures.filename).parent, {"seed": 5})  # type: ignore[attr-defined]


def test_pictures_and_masks_shrink_alike() -> None:
    mask = np.zeros((30, 60), bool)
    mask[10:20, 20:40] = True
    picture = np.where(mask[..., None], 0, 255).astype(np.uint8).repeat(3, 2)
    small = squared(picture, 32)
    assert (squared_mask(mask, 32) == (small[..., 0] < 128)).all()
    assert (small[16:] == 255).all()


def test_click_shards_become_bags(tmp_path: Path) -> None:
    found = np.zeros(2, OBJECT)
    found["x1"], found["y1"], found["x2"], found["y2"], found["area_px"] = [2, 10], 3, [6, 14], 8, 20
    found["label"], found["threat"], found["occlusion"], found["metal_share"] = [0, 2], [False, True], 0.25, 1
    windows = [np.ones((2, 5, 4), bool)] * 2
    pixels = np.arange(3 * 16 * 24, dtype=np.uint8).reshape(3, 16, 24)
    bag = ClickBag(pixels, pixels[:2], (0, 0, 24, 16), 0, found, windows)
    write_click_classes(tmp_path, ["cup"], ["", "gun", "knife"])
    write_click_shard(tmp_path, 0, [bag, bag])
    (picture, (cup, knife)), _ = bags_of(open_click_shards(tmp_path))
    assert (picture == np.moveaxis(pixels, 0, 2)).all()
    assert (cup.label, cup.wanted, knife.label, knife.wanted) == (0, False, 1, True)
    assert (knife.occlusion, knife.metal) == (0.25, 1.0)
    assert knife.mask.sum() == 20
    assert knife.mask[3:8, 10:14].all()


def test_parts_of_bags_hold_an_item_and_cut_masks_as_the_picture() -> None:
    parts = list(windows_of(bags(5), 0.5, 2, np.random.default_rng(0)))
    assert len(parts) == 10
    listed = 0
    for picture, found in parts:
        assert picture.shape == (32, 32, 3)
        listed += len(found)
        for one in found:
            colour = COLORS[one.label if one.wanted else 2]
            assert (picture[one.mask] == colour).all()
            assert ((picture == colour).all(2) == one.mask).all()
    assert 10 <= listed < 30


def test_an_imported_set_keeps_its_splits_and_parts(tmp_path: Path) -> None:
    copy = fake_public_set("pidray", tmp_path / "copy", each=4)
    import_public_set(public_set("pidray"), copy, tmp_path / "set")
    sets = real_data(read_set(tmp_path / "set"), tmp_path / "out", TINY, lambda text: None, everyday=False)
    assert list(sets.tests) == ["test", "test easy", "test hard", "test hidden"]
    whole_test, *parts = sets.tests.values()
    assert sum(len(part.rows()) for part in parts) == len(whole_test.rows()) > 0
    assert len(sets.train.rows()) > 0
    assert np.isnan(sets.train.instances["metal"]).all()
    assert sets.everyday is None
    again = real_data(read_set(tmp_path / "set"), tmp_path / "out", TINY, lambda text: None, everyday=False)
    assert (again.train.packed == sets.train.packed).all()


def test_the_papers_own_set_is_taken_once_imported(tmp_path: Path) -> None:
    copy = fake_public_set("xseg", tmp_path / "copy", each=4)
    import_public_set(public_set("xseg"), copy, tmp_path / "set")
    sets = real_data(read_set(tmp_path / "set"), tmp_path / "out", TINY, lambda text: None, everyday=False)
    assert list(sets.tests) == ["test"]
    for found in (sets.train, sets.tests["test"]):
        assert len(found.rows()) > 0
        assert found.masks(found.rows()).any((1, 2)).all()


def test_sets_are_crossed_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("xseg", "pidray", "pixray"):
        copy = fake_public_set(name, tmp_path / name, each=3)
        import_public_set(public_set(name), copy, tmp_path / f"{name}-{'clean' if name == 'xseg' else 'set'}")
    page = (Path(__file__).parents[2] / "docs" / "xseg.md").read_text("utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(block, {})
    sets = real_data(read_set("xseg-crossed"), tmp_path / "out", TINY, lambda text: None, everyday=False)
    assert list(sets.tests) == ["test", "test pidray-set", "test pixray-set"]
    assert len(sets.train.rows()) > 0
    assert all(len(found.rows()) > 0 for found in sets.tests.values())


def test_a_set_without_splits_is_refused(tmp_path: Path) -> None:
    copy = fake_public_set("pidray", tmp_path / "copy", each=2)
    import_public_set(public_set("pidray"), copy, tmp_path / "set", part="train")
    with pytest.raises(BadInputError, match="0 test scans"):
        real_data(read_set(tmp_path / "set"), tmp_path / "out", TINY, lambda text: None)


def asked(rule: Any, truth: Tensor) -> Tensor:
    torch.manual_seed(0)
    model = build_network(METHODS["APSAM without EAE"], TINY, 0, None).eval()
    image = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    prompt = Prompt(torch.tensor([[[9.0, 9.0]], [[20.0, 12.0]]]), torch.ones(2, 1, dtype=torch.int64))
    with torch.no_grad():
        answers = Asker(rule).answers(model, model.encode(image), image, prompt, truth=truth, seeds=[1, 2])
    return answers[-1]


def test_only_the_rules_that_say_so_know_the_truth() -> None:
    one = torch.zeros(2, 32, 32, dtype=torch.bool)
    other = one.clone()
    one[:, 5:14, 5:25], other[:, 8:30, 3:12] = True, True
    for rule in ("click", "two random", "generated", "drawn", "oracle"):
        same = torch.equal(asked(rule, one), asked(rule, other))
        assert same == (rule in ONE_CLICK), rule


def test_a_correction_lies_on_what_is_wrong() -> None:
    truth = torch.zeros(3, 32, 32, dtype=torch.bool)
    truth[:, 8:16, 8:16] = True
    logits = torch.full((3, 1, 8, 8), -9.0)
    logits[1, 0] = 9.0
    logits[2, 0, 2:4, 2:4] = 9.0
    points, labels = corrections(logits, truth, [1, 2, 3])
    assert labels[:2, 0].tolist() == [1, 0]
    x, y = points[0, 0].long().tolist()
    assert truth[0, y, x]
    x, y = points[1, 0].long().tolist()
    assert not truth[1, y, x]


def test_batches_click_within_the_item_and_repeat(data: ClickSet) -> None:
    batches = ClickBatches(data, data.rows(), 5, 3, corrected=0.5)
    one, again = batches.build(4), batches.build(4)
    assert all(torch.equal(a, b) for a, b in zip(one[:4], again[:4], strict=True))
    for row, (x, y) in enumerate(one.click.tolist()):
        assert one.mask[row, 0, y, x]
        colour = one.image[row][:, one.mask[row, 0]].float().median(1).values.tolist()  # edges are mixed
        assert min(np.abs(np.subtract(colour, wanted)).max() for wanted in COLORS[:2]) <= 2
    seen = [batches.build(k).corrected for k in range(40)]
    assert 8 < sum(seen) < 32


def test_unions_hold_all_items_of_a_picture(data: ClickSet) -> None:
    batch = ClickBatches(data, data.rows(), 4, 0, protocol="image_union").build(0)
    sums = [int(data.masks(data.rows()[k : k + 2]).any(0).sum()) for k in (0, 2, 4, 6)]
    assert sorted(batch.mask.sum((1, 2, 3)).tolist()) == sorted(sums)


def test_scores_are_those_of_the_metrics(data: ClickSet) -> None:
    segmenter = Colours(32)
    scores = measure(segmenter, data, Asker("click"), clicks=3, draws=2, batch=3)
    rows = data.rows()
    for number, row in enumerate(rows):
        truth, image = data.masks([row])[0], torch.from_numpy(data.image(int(data.instances["image"][row])))

        def segment(points: Any, labels: Any, previous: Any, image: Tensor = image) -> Any:
            found = segmenter(image[None], torch.tensor(points)[None].float(), torch.tensor(labels)[None])
            return found[0, 0].numpy() > 0

        wanted = click_curve(segment, truth, centre_click(truth), 3)
        np.testing.assert_allclose(scores.curves[number], wanted)
        assert dice_of(scores.ious)[number] == pytest.approx(
            mask_dice(truth, segment(np.array([centre_click(truth)]), np.ones(1, int), None))
        )
    assert scores.curves[:, 1].min() > scores.curves[:, 0].max()
    assert scores.random.shape == (2, len(rows))
    assert scores.unions.shape == (4, 2)
    assert (scores.unions < 0.9).all()  # one click is on one of two items


def test_a_segmenter_without_clicks_is_given_the_part_that_was_clicked(data: ClickSet) -> None:
    class All(Colours):
        promptable = False

        def decode(self, embedding: Tensor, points: Tensor, labels: Tensor) -> Tensor:
            return torch.where(embedding.amin(1, keepdim=True) < 0.3, 9.0, -9.0)  # all three colours

    scores = measure(All(32), data, Asker("click"), clicks=3, draws=2)
    assert scores.curves.shape == (8, 1)
    assert scores.ious.mean() > 0.7
    assert not touched_part(np.eye(4, dtype=bool), (0, 3)).any()
    assert touched_part(np.eye(4, dtype=bool), (0, 0)).sum() == 4


def test_clicks_follow_a_picture_to_another_side() -> None:
    class Spy(Colours):
        def decode(self, embedding: Tensor, points: Tensor, labels: Tensor) -> Tensor:
            self.seen = embedding.shape[-1], points
            return embedding[:, :1]

    spy = Spy(64)
    AtSide(spy, 32)(torch.rand(1, 3, 32, 32), torch.tensor([[[0.0, 31.0]]]), torch.ones(1, 1))
    assert spy.seen[0] == 64
    assert spy.seen[1].tolist() == [[[0.5, 62.5]]]


def test_equal_size_means_the_same_tokens_and_start(data: ClickSet, tmp_path: Path) -> None:
    start = pretrained_sam(data, TINY, tmp_path / "sam.safetensors")
    again = pretrained_sam(data, TINY, tmp_path / "sam.safetensors")
    assert all(torch.equal(start[name], again[name]) for name in start)
    sam, apsam = (build_network(METHODS[name], TINY, 5, start).inner for name in ("SAM tuned", "APSAM"))
    assert isinstance(sam, Sam)
    assert isinstance(apsam, Apsam)
    assert sam.image_encoder.pos_embed.shape[1] == apsam.image_encoder.tokens
    name = "blocks.0.mlp.lin1.weight"
    assert torch.equal(sam.image_encoder.state_dict()[name], apsam.image_encoder.state_dict()[name])
    assert torch.equal(sam.image_encoder.state_dict()[name], start[f"image_encoder.{name}"])
    assert trained_parameters(build_network(METHODS["SAM frozen"], TINY, 0, start)) == 0
    with pytest.raises(BadInputError, match="no tensor of SAM's names"):
        build_network(METHODS["SAM tuned"], TINY, 0, {"other": torch.zeros(1)})


def test_the_papers_sizes_have_the_printed_number_of_trained_parameters() -> None:
    with torch.device("meta"):
        counted = {
            name: trained_parameters(build_network(METHODS[name], SCALES["paper"], 0, None))
            for name in ("APSAM", "APSAM without EAE", "SAM tuned")
        }
    assert counted["APSAM"] == 11_906_214
    assert counted["APSAM without EAE"] == 11_906_214 - 961_024 - 66_306 + 4 * 256
    assert counted["SAM tuned"] == 4_058_340


def test_pretraining_teaches_every_part_of_sam(data: ClickSet) -> None:
    model = PretrainedSam(sam_of(TINY))
    batches = ClickBatches(data, data.rows(wanted=False), 4, 0, corrected=1.0)
    loss = pretraining_loss(model, batches.build(0))["loss"]
    loss.backward()
    quiet = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum()}
    heads = [f"sam.mask_decoder.output_hypernetworks_mlps.{k}.layers.0.weight" for k in range(4)]
    assert heads[0] not in quiet
    assert not set(heads[1:]) <= quiet  # the best of the three is taught
    unused = ("mask_downscaling", "point_embeddings", "hypernetworks_mlps")
    assert not [name for name in quiet if not any(part in name for part in unused)]


def test_all_answers_of_a_generated_row_are_taught(data: ClickSet) -> None:
    model = build_network(METHODS["APSAM"], TINY, 0, None)
    batch = ClickBatches(data, data.rows(), 2, 0, corrected=1.0).build(0)
    assert len(ClickTraining(model, Asker("generated"))(batch)) == 3
    assert len(ClickTraining(model, Asker("oracle"))(batch)) == 1
    plain = ClickTraining(model, Asker("click"))
    assert len(plain(batch)) == 2
    assert len(plain(batch._replace(corrected=False))) == 1


def test_rules_that_know_no_item(data: ClickSet) -> None:
    picture, truth = np.full((32, 32, 3), 255, np.uint8), np.zeros((32, 32), bool)
    truth[8:14, 5:17] = True
    picture[truth], picture[20:26, 5:17] = COLORS[0], COLORS[1]
    picture.flags.writeable = False  # as in a set that is mapped
    click = centre_click(truth)
    assert whole(picture, click).all()
    assert mask_iou(truth, flood(picture, click, tolerance=24)) == 1
    assert mask_iou(truth, dark(picture, click)) == 1
    assert mask_iou(truth, grabcut(picture, click)) > 0.5
    assert disc(picture, click, radius=2.0).sum() == 13
    assert best_tolerance(data) in (4, 8, 12, 16, 24, 32, 48)
    scores = measure_rule(whole, data, draws=2)
    areas = data.masks(data.rows()).mean((1, 2))
    np.testing.assert_allclose(scores.ious, areas)
    np.testing.assert_allclose(scores.random, np.stack([areas, areas]))


def test_curves_stop_where_nothing_is_wrong() -> None:
    truth = np.zeros((2, 8, 8), bool)
    truth[:, 2:6, 2:6] = True
    calls = []

    def answer(clicks: Any) -> Any:
        calls.append([len(made) for made in clicks])
        return np.stack([truth[0], np.zeros_like(truth[1])])

    curves = click_curves(answer, truth, [(3, 3), (3, 3)], 3)
    assert curves.tolist() == [[1, 1, 1], [0, 0, 0]]
    assert calls[-1] == [1, 3]
    assert SIZE.table * 4 == 32


def test_the_click_model_answers_as_a_row() -> None:
    pytest.importorskip("beltline.models.click")
    row = build_click_row(32, energy=True).eval()
    assert has_click_row()
    image, clicks = torch.rand(2, 3, 32, 32), torch.tensor([[[9.0, 9.0]], [[20.0, 12.0]]])
    with torch.no_grad():
        embedding = row.encode(image)
        one = row.decode(embedding, clicks, torch.ones(2, 1, dtype=torch.int64))
        other = row.decode(embedding, clicks.flip(0), torch.ones(2, 1, dtype=torch.int64))
        part = row.decode(
            taken(embedding, torch.tensor([1])), clicks[1:], torch.ones(1, 1, dtype=torch.int64)
        )
    assert one.shape == (2, 1, 8, 8)
    assert not torch.equal(one, other)
    torch.testing.assert_close(part, one[1:])
