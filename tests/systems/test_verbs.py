"""``beltline train``, ``evaluate`` and ``export`` from the command line, on tiny shards."""

import json
import math

import numpy as np
import pytest
from safetensors.numpy import load_file

from beltline.cli.app import main
from beltline.formats import write_shard
from beltline.models.backbones import feature_backbone
from beltline.screening import load_model

SETTINGS = {
    "classes": "gun,knife", "backbone_channels": "8,8,8,8", "crop_height": 64, "crop_width": 64,
    "long_side": 96, "batch_size": 4, "steps": 3, "precision": "32-true", "augmentation.jpeg": 0,
}  # fmt: skip


def train(data, out, *extra):
    changes = [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={value}")]
    words = ["train", "chr", "--recipe", "chr_starter", "--data", str(data), "--out", str(out)]
    return main([*words, *changes, *extra])


def arrays(labels):
    """Empty scans with these labels."""
    count = len(labels)
    return {
        "images": np.full((count, 3, 64, 96), 255, np.uint8),
        "masks": np.zeros((count, 2, 8, 12), np.uint8),
        "labels": np.array(labels, np.uint8),
    }


def one_object(text):
    """The one JSON object on stdout, strictly JSON."""

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.fixture(scope="module")
def calibrated(tiny_shards, tmp_path_factory):
    run = tmp_path_factory.mktemp("verbs") / "run"
    assert train(tiny_shards, run, "--validation", str(tiny_shards), "--threads", "1") == 0
    assert main(["evaluate", str(run), "--data", str(tiny_shards), "--calibrate"]) == 0
    return run


def test_training_writes_a_run_and_says_so(tiny_shards, tmp_path, capsys):
    run = tmp_path / "run"
    assert train(tiny_shards, run) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"{run}: 3 steps in ")
    assert "step 3" in err
    names = {path.name for path in run.iterdir()}
    assert {"recipe.json", "metrics.jsonl", "checkpoint.pt", "weights.safetensors"} <= names
    assert json.loads((run / "recipe.json").read_text())["backbone_channels"] == [8, 8, 8, 8]


def test_a_run_goes_on_with_its_own_recipe(tiny_shards, tmp_path, capsys):
    run = tmp_path / "run"
    assert train(tiny_shards, run) == 0
    words = ["train", "chr", "--data", str(tiny_shards), "--out", str(run)]
    assert main(words) == 3
    assert "--resume" in capsys.readouterr().err
    assert main([*words, "--resume", "--set", "steps=5"]) == 0
    assert "5 steps" in capsys.readouterr().out
    assert main([*words, "--resume", "--set", "lr=9"]) == 3
    assert "lr was" in capsys.readouterr().err


def test_calibration_as_json(calibrated, tiny_shards, capsys):
    assert main(["evaluate", str(calibrated), "--data", str(tiny_shards), "--calibrate", "--json"]) == 0
    found = one_object(capsys.readouterr().out)
    assert found["scans"] == 20
    for name in ("thresholds", "scan_thresholds"):
        assert found[name].keys() == {"0.01", "0.02", "0.05", "0.1", "0.2"}
    assert len(found["calibration"]["scale"]) == 2
    assert found == one_object((calibrated / "calibration.json").read_text())


def test_calibration_in_words(calibrated, tiny_shards, capsys):
    assert main(["evaluate", str(calibrated), "--data", str(tiny_shards), "--calibrate", "--limit", "9"]) == 0
    assert "calibrated on 9 scans" in capsys.readouterr().out


def test_figures_as_json_and_as_a_table(calibrated, tiny_shards, capsys):
    words = ["evaluate", str(calibrated), "--data", str(tiny_shards)]
    assert main([*words, "--json"]) == 0
    found = one_object(capsys.readouterr().out)
    assert set(found["classes"]) == {"gun", "knife"}
    assert 0 <= found["mean"]["auc"] <= 1
    assert found == one_object((calibrated / "evaluation.json").read_text())
    assert main(words) == 0
    table = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in table[:4]] == ["class", "gun", "knife", "mean"]
    assert [line.split(":")[0] for line in table[4:]] == [
        f"whole scan at {share}%" for share in (1, 2, 5, 10, 20)
    ]


def test_a_class_without_positives_is_null_in_json_and_nan_in_the_table(calibrated, tmp_path, capsys):
    write_shard(tmp_path, 0, classes=("gun", "knife"), **arrays([[0, 0], [0, 0]]))
    words = ["evaluate", str(calibrated), "--data", str(tmp_path)]
    assert main([*words, "--json"]) == 0
    found = one_object(capsys.readouterr().out)
    assert found["classes"]["gun"]["auc"] is None
    assert found["classes"]["gun"]["operating_points"]["0.05"]["pd"] == {
        "value": None,
        "low": 0.0,
        "high": 1.0,
        "hits": 0,
        "trials": 0,
    }
    assert main(words) == 0
    assert "nan" in capsys.readouterr().out
    # nor can anything be calibrated on it
    assert main([*words, "--calibrate"]) == 3
    assert "scans with and without gun, got 0 and 2" in capsys.readouterr().err


def test_calibration_needs_empty_scans(calibrated, tmp_path, capsys):
    write_shard(tmp_path, 0, classes=("gun", "knife"), **arrays([[1, 0], [0, 1]]))
    assert main(["evaluate", str(calibrated), "--data", str(tmp_path), "--calibrate"]) == 3
    assert "without any of the classes" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["evaluate", "export"])
def test_an_uncalibrated_run_says_what_to_do(tiny_shards, tmp_path, capsys, verb):
    run = tmp_path / "run"
    assert train(tiny_shards, run) == 0
    data = ["--data", str(tiny_shards)] if verb == "evaluate" else []
    capsys.readouterr()
    code = main([verb, str(run), *data])
    seen = capsys.readouterr()
    if verb == "evaluate":  # ranks and pointing need no threshold
        assert code == 0
        assert "--calibrate" in seen.out
        assert "PD@5%" not in seen.out
    else:
        assert code == 3
        assert f"beltline evaluate {run} --calibrate" in seen.err
    # calibrated, then trained on: the thresholds belong to other weights
    assert main(["evaluate", str(run), "--data", str(tiny_shards), "--calibrate"]) == 0
    assert main(["train", "chr", "--data", str(tiny_shards), "--out", str(run), "--resume", "--set",
                 "steps=4"]) == 0  # fmt: skip
    assert main([verb, str(run), *data]) == 3
    assert "calibrate again" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["train", "chr", "--data", "gone", "--out", "run"], 3, "no classes.json"),
        (["train", "chr", "--data", "gone", "--out", "run", "--recipe", "none"], 3, "recipe 'none'"),
        (["train", "chr", "--data", "gone", "--out", "run", "--set", "lr=fast"], 3, "lr must be a float"),
        (["train", "chr", "--out", "run"], 2, "--data"),
        (["evaluate", "gone", "--data", "gone"], 3, "not a run folder"),
        (["evaluate", "gone", "--data", "gone", "--limit", "-1"], 2, "--limit"),
        (["export", "gone"], 3, "not a run folder"),
        (["export", "gone", "--format", "tflite"], 2, "--format"),
    ],
)
def test_wrong_use_is_one_line_and_a_code(words, code, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(words) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["loss=asymmetric", "epsilon=0.1"], "--set epsilon would change nothing: it counts with loss=bce"),
        (["variant=plain", "loss_mode=all"], "--set loss_mode would change nothing"),
        (["loss=asymmetric", "normalise=kept"], "--set normalise would change nothing"),
        (["schedule=constant", "warmup=0.1"], "--set warmup would change nothing"),
        (["init=run", "pretrained=true"], "--set pretrained would change nothing"),
        (["warp=80"], "--set warp would change nothing: it counts on lists"),
        (["epochs=2"], "epochs=2 count passes over a list"),
    ],
)
def test_no_change_is_passed_over_in_silence(changes, message, tiny_shards, tmp_path, capsys):
    words = ["train", "chr", "--recipe", "chr_starter", "--data", str(tiny_shards), "--out",
             str(tmp_path / "run"), "--set", "classes=gun,knife"]  # fmt: skip
    assert main([*words, *(word for change in changes for word in ("--set", change))]) == 3
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("field", ["backbone=resnet18", "width=9", "convolutions=1", "backbone_channels=8"])
def test_no_change_of_a_detector_is_passed_over_in_silence(field, tiny_shards, tmp_path, capsys):
    words = ["train", "detector", "--data", str(tiny_shards), "--out", str(tmp_path / "run"), "--recipe",
             "detector_detr", "--set", field]  # fmt: skip
    assert main(words) == 3
    assert "would change nothing: it counts with detector=Starter" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("verb", ["chr", "detector"])
def test_classes_that_shards_lack_are_told_with_the_way_out(verb, tiny_shards, tmp_path, capsys):
    words = ["train", verb, "--data", str(tiny_shards), "--out", str(tmp_path / "run")]
    assert main([*words, "--set", "classes=gun,saw"]) == 3
    err = capsys.readouterr().err
    assert "no class saw; it has gun, knife; train with --set classes=gun, or" in err
    assert main([*words, "--set", "classes=saw"]) == 3
    assert "--set classes=gun,knife" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_the_starters_classes_are_more_than_these_shards_have(tiny_shards, tmp_path, capsys):
    words = ["--recipe", "chr_starter", "--data", str(tiny_shards), "--out", str(tmp_path / "run")]
    assert main(["train", "chr", *words]) == 3
    err = capsys.readouterr().err
    assert "no class wrench, pliers" in err
    assert "--set classes=gun,knife," in err


@pytest.mark.parametrize("more", [[], ["--calibrate"]])
def test_evaluation_on_other_classes_says_so_too(calibrated, tmp_path, capsys, more):
    arrays_of_one = {**arrays([[1, 0]]), "masks": np.zeros((1, 2, 8, 12), np.uint8)}
    write_shard(tmp_path, 0, classes=("gun", "saw"), **arrays_of_one)
    assert main(["evaluate", str(calibrated), "--data", str(tmp_path), *more]) == 3
    assert "no class knife; it has gun, saw; train with --set classes=gun, or" in capsys.readouterr().err


def test_changed_weights_are_refused(tiny_shards, tmp_path, capsys):
    run = tmp_path / "run"
    assert train(tiny_shards, run) == 0
    (run / "weights.sha256").write_text("0" * 64)
    assert main(["evaluate", str(run), "--data", str(tiny_shards)]) == 4
    assert "SHA-256" in capsys.readouterr().err


@pytest.mark.slow
def test_from_shards_to_a_model_that_screens(calibrated, tiny_shards, tmp_path, capsys):
    assert main(["evaluate", str(calibrated), "--data", str(tiny_shards)]) == 0
    path = tmp_path / "model.onnx"
    capsys.readouterr()
    assert main(["export", str(calibrated), "--out", str(path), "--name", "tiny", "--half", "--json"]) == 0
    found = one_object(capsys.readouterr().out)
    assert found["path"] == str(path)
    assert math.isfinite(found["difference"])
    card = load_model(path, trust=True).card
    assert card.classes == ("gun", "knife")
    assert card.details["figures"]["scans"] == 20
    assert card.details["recipe"]["backbone_channels"] == [8, 8, 8, 8]


@pytest.mark.slow
def test_three_hundred_steps_find_the_blocks(tmp_path, write_tiny_shards, capsys):
    """The whole way learns: the blocks of the tiny shards are found on scans not seen in training."""
    data = write_tiny_shards(tmp_path / "train", shards=2, scans=60)
    test = write_tiny_shards(tmp_path / "test", shards=1, scans=60, seed=9)
    run = tmp_path / "run"
    assert train(data, run, "--set", "steps=300", "--set", "augmentation.grey=0", "--set",
                 "augmentation.channel_swap=0", "--set", "augmentation.quarter_turn=0") == 0  # fmt: skip
    assert main(["evaluate", str(run), "--data", str(data), "--calibrate"]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(run), "--data", str(test), "--json"]) == 0
    found = one_object(capsys.readouterr().out)
    assert found["mean"]["auc"] > 0.9
    assert found["mean"]["pointing"] > 0.9


@pytest.mark.parametrize(("verb", "recipe"), [("chr", "chr_lite0"), ("detector", "detector_lite0")])
def test_a_training_without_a_recipe_starts_from_imagenet(verb, recipe, tiny_shards, tmp_path):
    run = tmp_path / "run"
    small = ["steps=1", "batch_size=2", "crop_height=32", "crop_width=32", "precision=32-true", "ema_decay=0"]
    words = [word for change in [*small, "lr=0", "weight_decay=0"] for word in ("--set", change)]
    assert main(["train", verb, "--data", str(tiny_shards), "--out", str(run), *words]) == 0
    written = json.loads((run / "recipe.json").read_text())
    assert (written["recipe"], written["pretrained"], written["normalisation"]) == (
        recipe,
        "package",
        "backbone",
    )
    stem = next(t for name, t in load_file(run / "weights.safetensors").items() if "conv_stem" in name)
    start = feature_backbone("EfficientNet-Lite0", pretrained=True).state_dict()["conv_stem.weight"]
    assert np.array_equal(stem, start)


@pytest.mark.parametrize("verb", ["chr", "detector"])
def test_another_backbone_is_told_its_ways_out(verb, tiny_shards, tmp_path, capsys):
    words = ["train", verb, "--data", str(tiny_shards), "--out", str(tmp_path / "run")]
    assert main([*words, "--set", "backbone=resnet18"]) == 3
    err = capsys.readouterr().err  # and no network is reached for
    assert "no package has ImageNet weights of resnet18: pretrained=false starts at random" in err
    assert not (tmp_path / "run").exists()


def test_a_detector_of_another_backbone_is_no_start(tiny_shards, tmp_path, capsys):
    words = ["train", "detector", "--data", str(tiny_shards), "--out", str(tmp_path / "run")]
    words += ["--recipe", "detector_starter", "--set", "classes=gun,knife"]
    assert main([*words, "--set", "init=starter-detector-2"]) == 3
    assert "set backbone and backbone_channels as it has them" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
