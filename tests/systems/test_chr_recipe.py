"""Recipes parse, by name and from a file; what does not fit is refused before anything runs."""

import dataclasses
import json
from typing import get_type_hints

import pytest
import torch
from torch import nn

from beltline.core import PROHIBITED, BadInputError
from beltline.models.chr import Chr, ChrOutput
from beltline.models.normalisation import normalisation_of
from beltline.systems.chr.recipe import (
    build_loss,
    build_model,
    classifier_of,
    with_sides,
)
from beltline.systems.chr.system import SYSTEM
from beltline.training.recipe_values import read_recipe, recipe_values, with_values
from beltline.training.settings import TrainingSettings, build_optimizer, fit_options
from beltline.training.shards import Batch


def load_recipe(name_or_file, changes=()):
    return read_recipe(name_or_file, changes, SYSTEM.recipes).recipe


@pytest.mark.parametrize("name", SYSTEM.recipes)
def test_every_recipe_parses_and_survives_json(name, tmp_path):
    recipe = load_recipe(name)
    file = tmp_path / "recipe.json"
    file.write_text(json.dumps({"recipe": name, **recipe_values(recipe)}))
    assert load_recipe(str(file)) == recipe
    recipe = with_sides(recipe)
    assert set(recipe.classes) <= set(PROHIBITED)
    assert recipe.long_side % 32 == recipe.crop_height % 32 == recipe.crop_width % 32 == 0
    for record in (recipe, recipe.training):
        fields = get_type_hints(type(record))
        assert all(f"        {field}: " in type(record).__doc__ for field in fields)


@pytest.mark.parametrize(
    ("change", "field", "expected"),
    [
        ("lr=0.5", "lr", 0.5),
        ("lr=1", "lr", 1.0),
        ("steps=7", "steps", 7),
        ("max_minutes=2", "max_minutes", 2.0),
        ("max_minutes=null", "max_minutes", None),
        ("variant=HR", "variant", "HR"),
        ("backbone=resnet18", "backbone", "resnet18"),
        ("classes=gun,knife", "classes", ("gun", "knife")),
        ("classes=gun", "classes", ("gun",)),
        ('classes=["gun", "saw"]', "classes", ("gun", "saw")),
        ("backbone_channels=8,16,16,32", "backbone_channels", (8, 16, 16, 32)),
        ("backbone_channels=[]", "backbone_channels", ()),
    ],
)
def test_fields_change_by_text(change, field, expected):
    recipe = load_recipe("chr_starter", [change])
    found = getattr(recipe if hasattr(recipe, field) else recipe.training, field)
    assert found == expected
    assert type(found) is type(expected)


def test_which_recipe_it_is_is_no_field_to_change():
    with pytest.raises(BadInputError, match="--recipe chr_paper"):
        load_recipe("chr_starter", ["recipe=chr_paper"])


@pytest.mark.parametrize(("backbone", "side", "warp"), [("ResNet34", 224, 256), ("Inception-v3", 320, 366)])
def test_the_papers_recipe_takes_the_sides_of_its_backbone(backbone, side, warp):
    recipe = with_sides(load_recipe("chr_paper", [f"backbone={backbone}"]))
    assert (recipe.crop_height, recipe.crop_width, recipe.long_side, recipe.warp) == (side, side, side, warp)
    chosen = with_sides(load_recipe("chr_paper", ["backbone=Inception-v3", "crop_height=256", "warp=300"]))
    assert (chosen.crop_height, chosen.crop_width, chosen.warp) == (256, 320, 300)


def test_normalisation_is_that_of_the_backbones_weights():
    for backbone, white in (("Inception-v3", 1.0), ("ResNet34", (1 - 0.485) / 0.229)):
        mean, std = normalisation_of("backbone", backbone)
        assert (1 - mean[0]) / std[0] == pytest.approx(white)
    # a run of before keeps what it was trained with
    assert normalisation_of("imagenet", "Inception-v3")[0] == (0.485, 0.456, 0.406)


def test_nested_fields_change_and_the_others_stay():
    changes = ["augmentation.flip=0", "augmentation.zoom=0.9, 1.1", "augmentation.flip=0.25"]
    found = load_recipe("chr_starter", changes).augmentation
    expected = dataclasses.replace(load_recipe("chr_starter").augmentation, flip=0.25, zoom=(0.9, 1.1))
    assert found == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("lr", "key=value"),
        ("learning_rate=1", "no field 'learning_rate' in ChrRecipe; it has accumulate, "),
        ("augmentation.flop=1", "no field 'flop' in AugmentationRange"),
        ("augmentation=5", "AugmentationRange takes fields"),
        ("lr.peak=1", "lr must be a float"),
        ("lr=fast", "lr must be a float, got 'fast'"),
        ("lr=true", "lr must be a float"),
        ("lr=NaN", "lr must be a float, got nan"),
        ("steps=1.5", "steps must be a int"),
        ("steps=true", "steps must be a int"),
        ("steps=null", "steps must be a int"),
        ("max_minutes=soon", "max_minutes must be a float"),
        ("variant=CRH", "variant must be one of plain, H, CH, HR, CHR, got 'CRH'"),
        ("optimizer=lion", "optimizer must be one of adamw, adam, sgd"),
        ("loss=mse", "loss must be one of bce, asymmetric"),
        ("backbone_channels=8,wide", "backbone_channels must be a int, got 'wide'"),
        ("augmentation.zoom=1", "zoom takes 2 values"),
        ("classes=1,2", "classes must be a str"),
    ],
)
def test_changes_that_do_not_fit_are_refused(change, message):
    with pytest.raises(BadInputError, match=message):
        load_recipe("chr_starter", [change])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[1]", "a JSON object, got list"),
        ('{"recipe": "yolo"}', "no recipe 'yolo'; there is chr_starter"),
        ('{"patience": 3}', "no field 'patience'"),
    ],
)
def test_files_that_are_no_recipes(tmp_path, text, message):
    file = tmp_path / "recipe.json"
    file.write_text(text)
    with pytest.raises(BadInputError, match=message):
        load_recipe(str(file))


def test_a_recipe_that_is_nowhere():
    with pytest.raises(BadInputError, match="neither a file nor one of chr_starter"):
        load_recipe("no_such_recipe")


def test_the_seed_draws_the_weights(tiny_recipe):
    one, same = build_model(tiny_recipe), build_model(tiny_recipe)
    other = build_model(with_values(tiny_recipe, {"seed": 1}))
    for a, b in zip(one.parameters(), same.parameters(), strict=True):
        assert torch.equal(a, b)
    assert any(not torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_an_unknown_backbone_is_one_clear_line(tiny_recipe):
    with pytest.raises(BadInputError, match="resnet9000"):
        build_model(dataclasses.replace(tiny_recipe, backbone="resnet9000"))
    with pytest.raises(BadInputError, match="hf-hub"):  # nor does a recipe reach for the network
        build_model(dataclasses.replace(tiny_recipe, backbone="hf-hub:someone/something"))


def test_normalisation_is_part_of_the_model(tiny_recipe):
    model = build_model(tiny_recipe).eval()
    image = torch.rand(1, 3, 64, 64)
    inner = model.classifier((image - 0.8) / 0.25)
    torch.testing.assert_close(model(image).logits, inner.logits)


@pytest.mark.parametrize(("name", "kind"), [("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)])
def test_matrices_decay_and_biases_do_not(tiny_recipe, name, kind):
    model = build_model(tiny_recipe)
    optimizer = build_optimizer(TrainingSettings(optimizer=name, weight_decay=0.5), model)
    assert isinstance(optimizer, kind)
    decaying, free = optimizer.param_groups
    assert (decaying["weight_decay"], free["weight_decay"]) == (0.5, 0)
    assert {p.ndim for p in free["params"]} == {1}  # of the pooled head, biases, normalisation
    count = sum(len(group["params"]) for group in optimizer.param_groups)
    assert count == len(list(model.parameters()))


class Fixed(nn.Module):
    """A model whose answer is given; `classifier_of` finds a real classifier for the biases."""

    def __init__(self, classifier, output):
        super().__init__()
        self.classifier, self.output = classifier, output

    def forward(self, image):
        return self.output


@pytest.mark.parametrize(("variant", "drops"), [("plain", False), ("HR", False), ("H", False), ("CHR", True)])
def test_the_class_balanced_mask_belongs_to_the_variants_with_a_c(tiny_recipe, variant, drops):
    recipe = dataclasses.replace(tiny_recipe, variant=variant, mask_weight=0.0)
    logits = torch.full((1, 1 if variant == "plain" else 3, 2), -6.0)  # easy negatives, all of them
    model = Fixed(build_model(recipe).classifier, ChrOutput(logits, ()))
    batch = Batch(torch.zeros(1, 3, 64, 64), torch.zeros(1, 2), torch.zeros(1, 2, 8, 8))
    value = build_loss(recipe)(model, batch)["loss"].item()
    assert (value == 0) is drops


def test_the_mask_term_is_added_by_its_weight(tiny_recipe):
    batch = Batch(torch.rand(2, 3, 64, 64), torch.ones(2, 2), torch.ones(2, 2, 8, 8))
    model = build_model(tiny_recipe)
    for weight in (0.5, 2.0):
        terms = build_loss(dataclasses.replace(tiny_recipe, mask_weight=weight))(model, batch)
        torch.testing.assert_close(terms["loss"], terms["image"] + weight * terms["mask"])


def test_the_classifier_is_found_inside_wrappers(tiny_recipe):
    model = build_model(tiny_recipe)
    wrapped = nn.Module()
    wrapped.module = model
    assert classifier_of(wrapped) is classifier_of(model) is model.classifier
    assert isinstance(classifier_of(model.classifier), Chr)
    with pytest.raises(TypeError, match="Linear"):
        classifier_of(nn.Linear(1, 1))


def test_options_of_the_loop_come_from_the_recipe(tiny_recipe):
    settings = TrainingSettings(max_minutes=3.0, accumulate=2)
    options = fit_options(settings, resume=True)
    assert (options.max_minutes, options.accumulate, options.resume) == (3.0, 2, True)
    assert options.schedule(settings.warmup) == 1
