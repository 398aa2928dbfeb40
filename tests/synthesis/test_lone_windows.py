"""A library of one's own as windows that a painter of lone threats learns from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from beltline.cli.app import main
from beltline.core import BadInputError
from beltline.formats.inpainting_shards import open_inpainting_shards
from beltline.physics.attenuation_code import coded_transmission
from beltline.synthesis.library import write_library
from beltline.synthesis.lone_windows import write_library_windows
from beltline.synthesis.threat import Domain, Threat


def bars(domain: Domain, count: int = 5) -> list[Threat]:
    """Slim bars, each longer than the one before."""
    channels = {"dual": 2, "color": 3, "grey": 1}[domain]
    found = []
    for number in range(count):
        mask = np.zeros((24, 60), np.float32)
        mask[8:16, 5 : 35 + 4 * number] = 1
        pixels = np.where(mask > 0, np.float32(0.3), np.float32(1))[None].repeat(channels, 0)
        found.append(Threat(pixels, mask, domain, ("gun", "knife")[number % 2], f"a{number}"))
    return found


@pytest.mark.parametrize(("domain", "channels"), [("dual", 2), ("color", 3)])
def test_each_exemplar_stands_alone_in_a_window(domain: Domain, channels: int, tmp_path: Path) -> None:
    library = write_library(tmp_path / "library", bars(domain))
    assert write_library_windows(tmp_path / "out", library) == 5
    data = open_inpainting_shards(tmp_path / "out")
    assert data.shape == (channels, 128, 128)
    assert [data.classes[k] for k in data.windows["label"]] == [t.label for t in library]
    rows = np.arange(5)
    painted, bag, masks = data.painted(rows) / 255.0, data.bag(rows) / 255.0, data.mask(rows)
    seen = coded_transmission(painted) if channels == 2 else painted
    assert (bag == (0 if channels == 2 else 1)).all()
    for picture, mask, facts in zip(seen, masks, data.windows, strict=True):
        np.testing.assert_allclose(picture[:, mask].mean(), 0.3, atol=0.03)
        assert picture[:, ~mask].mean() > 0.97
        assert max(facts["box"][2] - facts["box"][0], 0) >= 0.74 * 128


def test_the_command_takes_a_library_and_a_training_takes_its_windows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_library(tmp_path / "library", bars("color", 8))
    words = ["data", "inpainting", str(tmp_path / "out"), "--threats", str(tmp_path / "library")]
    assert main(words) == 0
    assert "8 windows of lone threats of gun, knife" in capsys.readouterr().out
    small = [f"--set={text}" for text in ("widths=8,16,16", "steps=2", "batch_size=2")]
    run = ["train", "xsyn", "--recipe", "xsyn_lone", "--data", str(tmp_path / "out")]
    assert main([*run, "--out", str(tmp_path / "run"), *small]) == 0


def test_kinds_that_a_painter_cannot_learn_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="two energies or from threats in colour, got grey"):
        write_library_windows(tmp_path / "a", write_library(tmp_path / "grey", bars("grey")))
    mixed = write_library(tmp_path / "mixed", [*bars("dual"), *bars("color")])
    with pytest.raises(BadInputError, match="got color and dual"):
        write_library_windows(tmp_path / "b", mixed)
    other = write_library(tmp_path / "other", bars("dual", 2))
    write_library_windows(tmp_path / "c", other)
    with pytest.raises(BadInputError, match="library"):
        write_library_windows(tmp_path / "c", write_library(tmp_path / "more", bars("dual", 3)))
