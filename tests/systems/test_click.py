"""Click models from shards to a run, its figures and its ONNX file."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tests.systems.click_bags import write_click_shards

from beltline.core import BadInputError
from beltline.formats.click_shards import open_click_shards
from beltline.models.click import Answer, ClickModel
from beltline.screening.click import ClickSettings, cut_out
from beltline.screening.click_windows import ClickWindow, energy_channels
from beltline.systems import system_of
from beltline.systems.click.data import ClickBatches, sample_of
from beltline.systems.click.figures import (
    Bench,
    curves,
    figures,
    first_clicks,
    fitted_quality,
    one_each,
    run_of,
)
from beltline.systems.click.looks import Bag, Lens, Square, close_square, wide_square
from beltline.systems.click.loss import click_loss, meant, normalized_focal_loss, overlaps
from beltline.systems.click.prompts import Prompt, added_points, beside, damaged, draw_prompt, wrong_place
from beltline.systems.click.recipe import ClickRecipe, build_model
from beltline.systems.click.system import SYSTEM, start_from
from beltline.training import run as engine
from beltline.training.augment import NO_AUGMENTATION
from beltline.training.checkpoint import CHECKPOINT, load_checkpoint
from beltline.training.recipe_values import read_recipe, with_values
from beltline.training.run import Watching

TINY = [
    "backbone=resnet10t", "backbone_channels=8,8,8,8", "normalisation=xray", "pretrained=false", "width=8",
    "side=64", "batch_size=4", "steps=3", "frozen_stages=1", "precision=32-true", "ema_decay=0",
]  # fmt: skip


def tiny(*changes):
    return read_recipe("click_lite0", [*TINY, *changes], SYSTEM.recipes).recipe


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_click_shards(tmp_path_factory.mktemp("click") / "shards")


@pytest.fixture(scope="module")
def shards(folder):
    return open_click_shards(folder)


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("click") / "run"
    engine.train(SYSTEM, tiny(), folder, out, watching=Watching(folder, tensorboard=False))
    return out


def batches_of(shards, **changes):
    return ClickBatches(shards, 4, 64, tiny().augmentation, **changes)


def look_at(shards, row=0, *, close=True, ranges=NO_AUGMENTATION, square=None, click=(30, 26), seed=0):
    """A look at the knife of the first bag, whose blade is x 20 to 50."""
    rng = np.random.default_rng(seed)
    nested = shards.nested(row, click)
    square = square or close_square(rng, click, nested)
    bag = Bag(shards.picture(0), None, shards.bag(0))
    return Lens(64, replace(ranges, zoom=(1.0, 1.0))).look(rng, square, bag, nested, click, close=close)


def test_training_and_use_feed_the_same_tensors(shards):
    square = Square(left=-4, top=2, side=70)
    look = look_at(shards, square=square)
    sample = sample_of(look, Prompt(np.array([look.click]), np.array([1]), look.mask.astype(np.float32)))
    fed = {}

    def network(inputs):
        fed.update(inputs)
        return {"logits": np.zeros((1, 3, 16, 16), np.float32), "quality": np.zeros((1, 3), np.float32)}

    window, picture = ClickWindow(-4, 2, 70, 64), shards.picture(0)
    guide = window.guide([(30, 26)], [1], previous=shards.mask(0))
    assert np.array_equal(sample.image, window.cut(picture, air=1.0))
    assert np.array_equal(sample.energy, window.cut(energy_channels(picture), air=1.0))
    assert np.array_equal(sample.guide, guide)
    # and what use feeds has the same scale, order and air
    cut_out(network, picture, energy_channels(picture), shards.bag(0), [(30, 26)], [1],
            settings=ClickSettings(size=64, zoom=False))  # fmt: skip
    assert {name: value.shape[1:] for name, value in fed.items()} == {
        "image": sample.image.shape, "energy": sample.energy.shape, "guide": sample.guide.shape
    }  # fmt: skip
    assert fed["image"].max() == sample.image.max() == 1.0


def test_a_batch_depends_on_seed_and_number_alone(shards):
    one, again, other = (batches_of(shards, seed=seed).build(5) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    assert not torch.equal(one.image, other.image)
    ahead = list(zip(range(2), batches_of(shards, seed=1, workers=2)(5), strict=False))
    assert torch.equal(ahead[0][1].image, one.image)


def test_batches_have_the_shapes_of_the_model(shards):
    batch = batches_of(shards).build(0)
    assert batch.image.shape == (4, 3, 64, 64)
    assert batch.energy.shape == (4, 2, 64, 64)
    assert batch.guide.shape == (4, 4, 16, 16)
    assert batch.clicks.shape == (4, 6, 3)
    assert batch.wanted.shape == (4, 3, 16, 16)
    assert all(float(t.min()) >= 0 and float(t.max()) <= 1 for t in (batch.image, batch.energy, batch.wanted))


def test_the_click_lies_on_the_object_however_it_is_turned(shards):
    off = 0
    for seed in range(15):
        look = look_at(shards, ranges=tiny().augmentation, seed=seed)
        x, y = (round(at) for at in look.click)
        off += not look.mask[y, x]
        first = look.window.left
        assert first <= look.click[0] < first + look.window.side
    assert off <= 1  # a tilt may bring it to the very edge


def test_windows_hold_the_click_and_cut_objects_off(shards):
    rng = np.random.default_rng(0)
    nested = shards.nested(0, (30, 26))
    close = [close_square(rng, (30, 26), nested) for _ in range(60)]
    wide = [wide_square(rng, (30, 26), shards.bag(0)) for _ in range(60)]
    for square in (*close, *wide):
        assert square.left <= 30 < square.left + square.side
        assert square.top <= 26 < square.top + square.side
    sides = [s.side / 112 for s in wide]
    assert 0.4 < min(sides) < 0.6  # closer than in use, and as wide as for luggage twice the size
    assert 1.2 < max(sides) <= 1.51
    assert any(square.left + square.side < 70 for square in close)  # the handle's end, at 70, is cut off
    assert any(square.left < 20 and square.left + square.side > 70 for square in close)


def test_energies_are_the_scanners_or_of_the_colours(shards):
    rng = np.random.default_rng(0)
    nested = shards.nested(0, (30, 26))
    measured = Bag(shards.picture(0), shards.energies(0), shards.bag(0))
    lens = Lens(64, NO_AUGMENTATION)
    look = lens.look(rng, Square(0, 0, 96), measured, nested, (30, 26), close=False)
    spare = look.window.left
    assert look.energies[:, spare + 26, spare + 30].tolist() == [60, 60]
    assert look_at(shards, square=Square(0, 0, 96)).energies[:, spare + 26, spare + 30].tolist() == [200, 60]


def test_a_given_mask_is_damaged_but_never_nothing(shards):
    look = look_at(shards)
    masks = [damaged(np.random.default_rng(seed), look) for seed in range(30)]
    assert all(mask.shape == look.mask.shape and 0 < mask.max() <= 1 for mask in masks)
    shares = [float(((mask > 0.5) & look.mask).sum() / ((mask > 0.5) | look.mask).sum()) for mask in masks]
    assert min(shares) < 0.6 < max(shares)


def test_a_mending_click_lies_where_most_is_wrong():
    wanted, found = np.zeros((2, 40, 40), bool)
    wanted[5:25, 5:25] = True
    found[5:25, 20:38] = True
    for seed in range(10):
        x, y, label = wrong_place(np.random.default_rng(seed), wanted, found)
        assert label == 1
        assert wanted[int(y), int(x)]
        assert not found[int(y), int(x)]
    assert wrong_place(np.random.default_rng(0), found, wanted | found)[2] == 0
    assert wrong_place(np.random.default_rng(0), wanted, wanted) is None


def test_a_second_look_adds_points_of_the_first_mask(shards):
    look = look_at(shards)
    rng = np.random.default_rng(0)
    soft = look.mask.astype(np.float32)
    assert added_points(rng, look, soft, "none").shape == (0, 2)
    for kind in ("apg", "random"):
        pair = added_points(rng, look, soft, kind).astype(int)
        assert pair.shape == (2, 2)
        assert look.mask[pair[:, 1], pair[:, 0]].all()
    away = beside(rng, look).astype(int)
    assert not look.mask[away[:, 1], away[:, 0]].any()


def test_prompts_are_of_every_kind(shards):
    look = look_at(shards)
    prompts = [draw_prompt(np.random.default_rng(seed), look, "apg", 0.15) for seed in range(80)]
    assert {len(p.points) for p in prompts} >= {0, 1, 3}
    assert {p.box is None for p in prompts} == {p.previous is None for p in prompts} == {True, False}
    assert any((p.labels == 0).any() for p in prompts)
    assert all(len(p.points) or p.box for p in prompts)


def test_the_focal_loss_is_least_at_the_truth_and_does_not_fade():
    truth = torch.zeros(1, 8, 8)
    truth[0, 2:5, 2:5] = 1
    truth[0, 5, 2:5] = 0.4
    best = torch.logit(truth.clamp(1e-4, 1 - 1e-4))
    assert normalized_focal_loss(best, truth) < normalized_focal_loss(best * 0.5, truth)
    nearly = best.clone()
    nearly[0, 0, 0] = 1  # one wrong pixel of 64 counts as much as in a mask of 1
    assert normalized_focal_loss(nearly, truth) > 0.3


def test_overlap_of_masks():
    logits, truth = torch.full((1, 3, 4, 4), -1.0), torch.zeros(1, 3, 4, 4)
    logits[0, 0, :2], truth[0, 0, 1:3] = 1, 1
    truth[0, 1] = 1
    assert overlaps(logits, truth)[0].tolist() == [pytest.approx(1 / 3), 0, 1]


def test_clicks_and_boxes_say_which_of_the_nested_is_meant():
    wanted = torch.zeros(1, 3, 16, 16)
    wanted[0, 0, :4, :4] = wanted[0, 1, :4, :8] = wanted[0, 2, :8, :8] = 1
    none, on_part = [0.0, 0.0, -1.0], [4.0, 4.0, 1.0]
    no_box = torch.zeros(1, 16, 16)

    def sizes(*clicks, box=no_box):
        table = torch.tensor([[*clicks, none]])
        return meant(wanted, table, box).sum((2, 3))[0].tolist()

    assert sizes(on_part) == [16, 32, 64]
    assert sizes(on_part, [24.0, 4.0, 1.0]) == [32, 32, 64]  # the other part as well
    assert sizes(on_part, [4.0, 24.0, 0.0]) == [16, 32, 32]  # not the neighbour
    assert sizes(on_part, [50.0, 50.0, 0.0]) == [16, 32, 64]
    assert sizes(on_part, box=torch.ones(1, 16, 16)) == [16, 32, 32]


def test_corrections_click_the_models_mistakes(shards):
    batch = batches_of(shards).build(0)
    batch = batch._replace(guide=torch.zeros_like(batch.guide))
    guides = []

    def blind(image, energy, guide, corrections):
        """Finds nothing, so that the next click is on the object."""
        answer = Answer(torch.full_like(batch.wanted, -5.0), torch.full((4, 3), 0.5))
        for correct in corrections:
            guides.append(correct(answer, guide))
        return answer

    for index in range(12):
        before = len(guides)
        click_loss(blind, batch._replace(seed=torch.tensor([index])))
        for guide in guides[before:]:
            on = (guide[:, 0] * (batch.wanted[:, 1] > 0.5)).amax((1, 2))
            assert ((on == 1) | (batch.wanted[:, 1].amax((1, 2)) <= 0.5)).all()
            assert not guide[:, [1, 3]].any()
            assert guide[:, 2].max() < 0.01  # the mask so far is the model's
    assert len(guides) >= 4


def test_a_batch_is_learnt_by_heart(shards):
    torch.manual_seed(0)
    model = ClickModel(backbone="resnet10t", width=16, channels=(16, 16, 16, 16), normalisation="xray")
    batch = replace(batches_of(shards), batch_size=3).build(1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    first = None
    for _ in range(45):
        parts = click_loss(model.train(), batch)
        first = first or {name: float(value.detach()) for name, value in parts.items()}
        optimizer.zero_grad()
        parts["loss"].backward()
        optimizer.step()
    assert float(parts["loss"].detach()) < 0.5 * first["loss"]
    assert float(parts["iou"]) > 0.7


def test_a_resumed_training_ends_as_an_uninterrupted_one(folder, tmp_path):
    quiet = Watching(tensorboard=False)
    engine.train(SYSTEM, tiny("steps=4", "schedule=constant"), folder, tmp_path / "whole", watching=quiet)
    engine.train(SYSTEM, tiny("steps=2", "schedule=constant"), folder, tmp_path / "cut", watching=quiet)
    recipe = json.loads((tmp_path / "cut" / "recipe.json").read_text())
    (tmp_path / "cut" / "recipe.json").write_text(json.dumps({**recipe, "steps": 4}))
    longer = tiny("steps=4", "schedule=constant")
    engine.train(SYSTEM, longer, folder, tmp_path / "cut", watching=quiet, resume=True)
    whole, cut = (load_checkpoint(tmp_path / name / CHECKPOINT)["model"] for name in ("whole", "cut"))
    assert all(torch.equal(value, cut[name]) for name, value in whole.items())


def test_a_run_is_measured_calibrated_and_exported(run, folder, tmp_path):
    from beltline.screening.runtime import onnxruntime

    assert system_of(run) is SYSTEM
    found = engine.evaluate(SYSTEM, run, folder, limit=2)
    assert found["objects"] == 2
    assert found["misses"]["material"].keys() <= {"other", "mixed", "metal"}
    assert sum(found["misses"]["size"]["objects"]) == 2
    assert any("after 3 clicks" in line for line in SYSTEM.table(found))
    engine.calibrate(SYSTEM, run, folder)
    path = tmp_path / "click.onnx"
    written = engine.export(SYSTEM, run, path, name="click", half_weights=True)
    assert written["difference"] < 1e-4
    assert written["difference"] < written["rounding_difference"] < 0.05
    card = json.loads(path.with_suffix(".json").read_text())
    assert (card["task"], card["long_side"], card["classes"]) == ("click", 64, ["part", "object", "group"])
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    side = 128  # another one than that of training
    shapes = {
        "image": (1, 3, side, side),
        "energy": (1, 2, side, side),
        "guide": (1, 4, side // 4, side // 4),
    }
    given = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    logits, quality = session.run(["logits", "quality"], given)
    assert logits.shape == (1, 3, 32, 32)
    assert quality.shape == (1, 3)


def test_figures_of_a_model_that_knows(shards):
    """A network that finds what is darker than the bag in the window is right about a lone bottle."""

    def darker(inputs):
        dark = inputs["image"][:, 2, ::4, ::4] < 0.9
        logits = np.where(dark, 8.0, -8.0).astype(np.float32)
        return {"logits": np.repeat(logits[:, None], 3, 1), "quality": np.full((1, 3), 0.9, np.float32)}

    bench = Bench(darker, shards, ClickSettings(size=64))
    bottle = np.array([1])
    assert curves(bench, bottle, 2)[0].min() > 0.7
    knife = figures(bench, np.array([0, 1]), clicks=3)
    assert knife["misses"]["family"]["bottle"] == {
        "missed": 0, "objects": 1, "miou": pytest.approx(knife["misses"]["family"]["bottle"]["miou"])
    }  # fmt: skip
    assert knife["misses"]["family"]["knife"]["missed"] == 1  # its twin comes with it
    assert knife["first"]["object"] == knife["first"]["best_of_three"]


def test_one_object_of_each_scan_always_the_same(shards):
    rows = one_each(shards, None)
    assert shards.objects["image"][rows].tolist() == [0, 1, 2]
    assert np.array_equal(rows, one_each(shards, 3))
    assert len(one_each(shards, 2)) == 2


def test_quality_is_mapped_to_the_overlap_it_stands_for(shards):
    first = first_clicks(
        Bench(run_of(build_model(tiny()).eval()), shards, ClickSettings(size=64)), one_each(shards, None)
    )
    predicted = np.array([[0.2] * 3, [0.4] * 3, [0.6] * 3])
    exact = fitted_quality(replace(first, quality=predicted, overlap=2 * predicted - 0.3))
    assert exact["scale"] == pytest.approx([2] * 3)
    assert exact["bias"] == pytest.approx([-0.3] * 3)
    useless = fitted_quality(replace(first, quality=predicted, overlap=1 - predicted))
    assert useless == {"scale": [0] * 3, "bias": pytest.approx([0.6] * 3)}


@pytest.mark.parametrize(
    ("change", "message"),
    [("zoom=false", None), ("energy=false", None), ("points=none", None), ("side=70", "multiple of 32")],
)
def test_the_arms_are_recipes(folder, change, message):
    recipe = tiny(change)
    if message:
        with pytest.raises(BadInputError, match=message):
            SYSTEM.open(folder, recipe)
        return
    data, recipe = SYSTEM.open(folder, recipe)
    batch = SYSTEM.batches(recipe, data).build(0)
    assert torch.isfinite(SYSTEM.loss(recipe)(SYSTEM.build(recipe), batch)["loss"])


def test_an_arm_without_energy_is_not_exported():
    with pytest.raises(BadInputError, match="for comparison only"):
        SYSTEM.export(tiny("energy=false"), None, None)


def test_what_counts_nowhere_cannot_be_set(folder, tmp_path):
    for change in ("augmentation.shift=1", "points=random"):
        named = read_recipe("click_lite0", [*TINY, "zoom=false", change], SYSTEM.recipes)
        with pytest.raises(BadInputError, match="would change nothing"):
            engine.train(SYSTEM, named, folder, tmp_path / "run")


def test_a_training_starts_from_an_earlier_run_of_the_same_network(run):
    recipe = tiny(f"init={run}")
    model = build_model(recipe)
    start_from(recipe, model)
    known = engine.load(SYSTEM, run).model.state_dict()
    assert all(torch.equal(value, known[name]) for name, value in model.state_dict().items())
    wider = tiny(f"init={run}", "width=16")
    with pytest.raises(BadInputError, match="another shape"):
        start_from(wider, build_model(wider))


def test_a_training_starts_from_a_classifiers_backbone(tmp_path):
    recipe = tiny(f"init={tmp_path}")
    body = {f"classifier.backbone.{n}": v + 1 for n, v in build_model(recipe).body.state_dict().items()}
    save_file(body, tmp_path / "weights.safetensors")
    (tmp_path / "recipe.json").write_text(json.dumps({"classes": ["gun"]}))
    model = build_model(recipe)
    start_from(recipe, model)
    for name, value in model.body.state_dict().items():
        assert torch.equal(value, body[f"classifier.backbone.{name}"])
    lost = next(iter(body))
    del body[lost]
    save_file(body, tmp_path / "weights.safetensors")
    with pytest.raises(BadInputError, match="lacks "):
        start_from(recipe, model)


def test_the_default_begins_with_imagenet_and_holds_its_low_half_still():
    recipe = ClickRecipe()
    assert (recipe.side, recipe.pretrained, recipe.training.frozen_stages) == (256, "package", 3)
    assert recipe.training.precision == "bf16-mixed"
    model = build_model(recipe)
    before = model.body.conv_stem.weight.clone()
    start_from(recipe, model)
    assert not torch.equal(before, model.body.conv_stem.weight)
    assert with_values(recipe, {"side": 320}).side == 320
