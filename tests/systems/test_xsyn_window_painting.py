"""Painters by the name of a run, of a shipped model, or of a GLIGEN; what is none of these."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from tests.tiny_painter import tiny_painter

from beltline.cli.app import main
from beltline.core import BadInputError, UntrustedWeightsError
from beltline.models.gligen_tiny import gligen_tiny
from beltline.screening import weights
from beltline.synthesis.diffusion.sampling import SamplerSettings
from beltline.systems.xsyn.gligen_painting import GligenPainter
from beltline.systems.xsyn.window_painting import TrainedPainter, load_painter

BOXES = np.array([[0.3, 0.3, 0.7, 0.6], [0.2, 0.4, 0.8, 0.8]], np.float32)
STEPS = SamplerSettings(steps=2)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_painter(tmp_path_factory.mktemp("painters"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own folder of weights, with nothing shipped."""
    monkeypatch.setenv("BELTLINE_HOME", str(tmp_path))
    monkeypatch.setattr(weights, "SHIPPED", tmp_path / "shipped")
    return tmp_path


def ship(home: Path, run: Path, *options: str) -> Path:
    folder = home / "shipped"
    folder.mkdir()
    file = folder / "painter-1.safetensors"
    assert main(["export", str(run), "--format", "safetensors", "--out", str(file), *options]) == 0
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    line = {"name": "painter-1", "file": file.name, "sha256": digest}
    manifest = {"schema_version": 1, "default": None, "models": [], "starts": [line]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return file


def test_a_run_paints(run: Path) -> None:
    painter = load_painter(str(run))
    assert isinstance(painter, TrainedPainter)
    assert (painter.classes, painter.channels, painter.size, painter.adds) == (("gun", "knife"), 2, 256, True)
    bags = np.full((2, 2, 256, 256), 0.3, np.float32)
    made = painter.paint(bags, ["gun", "knife"], BOXES, [1, 2], STEPS)
    assert made.windows.shape == bags.shape
    assert made.attention.shape == (2, 16, 16)
    assert 0 <= made.windows.min() <= made.windows.max() <= 1
    # a row is what it would be alone
    alone = painter.paint(bags[1:], ["knife"], BOXES[1:], [2], STEPS)
    np.testing.assert_allclose(alone.windows[0], made.windows[1], atol=1e-4)
    other = painter.paint(bags[1:], ["knife"], BOXES[1:], [3], STEPS)
    assert np.abs(other.windows - alone.windows).max() > 1e-3
    back = painter.decode(painter.encode(bags))
    assert back.shape == bags.shape
    assert painter.encode(bags).shape == (2, 4, 32, 32)


def test_a_shipped_painter_is_rebuilt_from_its_file(home: Path, run: Path) -> None:
    file = ship(home, run)
    shipped, trained = load_painter("painter-1"), load_painter(str(run))
    bags = np.full((1, 2, 256, 256), 0.3, np.float32)
    made = [painter.paint(bags, ["gun"], BOXES[:1], [1], STEPS).windows for painter in (shipped, trained)]
    np.testing.assert_allclose(made[0], made[1], atol=1e-5)
    assert shipped.name == "painter-1"
    assert shipped.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert main(["models", "list"]) == 0
    assert main(["models", "verify", "painter-1"]) == 0
    file.write_bytes(file.read_bytes() + b" ")
    assert main(["models", "verify", "painter-1"]) == 4
    with pytest.raises(UntrustedWeightsError, match="changed"):
        load_painter("painter-1")


def test_half_the_bytes_are_enough(home: Path, run: Path) -> None:
    file = ship(home, run, "--half")
    assert file.stat().st_size < 0.75 * (run / "weights.safetensors").stat().st_size
    bags = np.full((1, 2, 256, 256), 0.3, np.float32)
    painters = load_painter("painter-1"), load_painter(str(run))
    made = [painter.paint(bags, ["gun"], BOXES[:1], [1], STEPS).windows for painter in painters]
    np.testing.assert_allclose(made[0], made[1], atol=0.05)


def test_trainings_start_from_a_shipped_painter(home: Path, run: Path) -> None:
    ship(home, run)
    words = ["train", "xsyn", "--data", str(run.parent / "windows"), "--recipe", "xsyn_seen"]
    sizes = [
        f"--set={text}" for text in ("latent_widths=8,8,8,8", "widths=8,16,16", "steps=1", "batch_size=2")
    ]
    more = ["--set", "turns=1", "--set", "init=painter-1", "--out", str(home / "more")]
    assert main([*words, *sizes, *more]) == 0


def test_what_is_no_painter_is_refused(home: Path, run: Path) -> None:
    with pytest.raises(BadInputError, match="is an autoencoder, which paints nothing"):
        load_painter(str(run.parent / "autoencoder"))
    with pytest.raises(BadInputError, match="expected the run folder of a painter"):
        load_painter("nothing")
    ship(home, run.parent / "autoencoder")
    with pytest.raises(BadInputError, match="paints nothing"):
        load_painter("painter-1")
    other = home / "chr"
    other.mkdir()
    (other / "recipe.json").write_text(json.dumps({"system": "chr", "recipe": "chr"}))
    (other / "weights.safetensors").write_bytes(b"")
    with pytest.raises(BadInputError, match="a run of chr, not of a painter"):
        load_painter(str(other))
    manifest = home / "shipped" / "manifest.json"
    manifest.write_text(json.dumps({"schema_version": 1, "default": None, "models": [], "starts": [{}]}))
    with pytest.raises(BadInputError, match="not a manifest of weights"):
        weights.list_starts()


def test_gligen_paints_whole_scans_by_words() -> None:
    painter = GligenPainter(gligen_tiny(), "tiny", "0" * 64)
    assert (painter.size, painter.cell, painter.whole, painter.channels) == (64, 2, True, 3)
    assert painter.prompt("pressure_vessel") == "one pressure vessel"
    bags = np.full((2, 3, 64, 64), 0.7, np.float32)
    made = painter.paint(bags, ["gun", "pressure_vessel"], BOXES, [1, 2], STEPS)
    assert made.attention.shape == (2, 16, 16)
    changed = (made.windows != bags).any(1)
    assert changed[0, 19:38, 19:44].mean() > 0.9
    assert not changed[0, :18].any()
    start = painter.paint(bags, ["gun"] * 2, BOXES, [1, 2], SamplerSettings(4, strength=0.5), 0.5 * bags)
    assert start.windows.shape == bags.shape
    assert painter.decode(painter.encode(bags)).shape == bags.shape
