"""What docs/training.md says of recipes, keys and run folders is what the commands say and do."""

import dataclasses
import re
from pathlib import Path

import pytest

from beltline.cli.app import main
from beltline.training.augment import AugmentationRange

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "training.md").read_text("utf-8")
KINDS = ("anomaly", "chr", "click", "detector", "xsyn")


def table(title):
    """What stands in backticks in the first column of the table below a heading."""
    part = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)[1]
    rows = re.findall(r"^\| (`.*?) \|", part, flags=re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def refusal(capsys, kind, *extra):
    assert main(["train", kind, "--data", "none", "--out", "none", *extra]) == 3
    return capsys.readouterr().err


def test_the_recipes_are_those_of_the_commands(capsys):
    known = []
    for kind in KINDS:
        known += refusal(capsys, kind, "--recipe", "none").strip().split("one of ")[1].split(", ")
    names = table("Recipes and `--set`")
    assert sorted(names[: len(known)]) == sorted(known)
    keys = {key for kind in KINDS for key in re.findall(r"\w+", refusal(capsys, kind, "--set", "none=1"))}
    assert len(names) > len(known)
    dotted = {field.name for field in dataclasses.fields(AugmentationRange)}
    keys |= {f"augmentation.{name}" for name in dotted}
    assert set(names[len(known) :]) <= keys


@pytest.mark.parametrize(
    ("kind", "extra"),
    [
        ("chr", ["long_side=96"]),
        ("detector", ["width=8", "long_side=96"]),
    ],
)
def test_a_run_folder_holds_what_the_page_says(tiny_shards, tmp_path, kind, extra):
    small = ["steps=1", "batch_size=2", "crop_height=64", "crop_width=64", "precision=32-true", *extra]
    changes = [word for change in ["classes=gun,knife", *small] for word in ("--set", change)]
    data, run = ["--data", str(tiny_shards)], tmp_path / "run"
    assert main(["train", kind, *data, "--out", str(run), *changes]) == 0
    assert main(["evaluate", str(run), *data, "--calibrate"]) == 0
    assert main(["evaluate", str(run), *data]) == 0
    files = {f"{path.name}/" if path.is_dir() else path.name for path in run.iterdir()}
    exported = {"model.onnx", "model.json"}
    assert files == set(table("What a run folder holds")) - exported
    assert exported < set(table("What a run folder holds"))
