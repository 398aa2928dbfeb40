"""Lone threats over air: one each, whole, in the middle, and a shard of its number alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from beltline.cli.app import main
from beltline.core import BadInputError
from beltline.formats.inpainting_shards import open_inpainting_shards
from beltline.simulate.library import ObjectLibrary
from beltline.simulate.lone_shards import LonePlan, write_lone_shards

PLAN = LonePlan(("gun", "knife"), count=6, size=64)


def test_a_window_holds_one_threat_over_air(library: ObjectLibrary, tmp_path: Path) -> None:
    assert write_lone_shards(tmp_path, library, PLAN, shards=2, seed=3) == 2
    assert write_lone_shards(tmp_path, library, PLAN, shards=2, seed=3) == 0
    data = open_inpainting_shards(tmp_path)
    rows = np.arange(len(data))
    assert data.shape == (2, 64, 64)
    assert data.windows["label"].tolist() == [0, 1] * 6
    assert not data.bag(rows).any()
    for code, mask, facts in zip(data.painted(rows), data.mask(rows), data.windows, strict=True):
        x1, y1, x2, y2 = facts["box"]
        assert 0.7 * 64 <= max(x2 - x1, y2 - y1) <= 64
        seen = np.argwhere(mask)
        assert seen[:, 0].min() >= y1 - 1.5
        assert seen[:, 1].max() <= x2 + 0.5
        assert code[:, mask].mean() > 10 * max(code[:, ~mask].mean(), 0.5)
        assert facts["occlusion"] == 0


def test_a_shard_depends_on_its_number_alone(library: ObjectLibrary, tmp_path: Path) -> None:
    write_lone_shards(tmp_path / "both", library, PLAN, shards=2, seed=3)
    write_lone_shards(tmp_path / "second", library, PLAN, shards=1, first=1, seed=3)
    for name in ("painted", "mask", "windows"):
        file = Path("shard_00001") / f"{name}.npy"
        assert (tmp_path / "both" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


def test_plans_that_do_not_fit_are_refused(library: ObjectLibrary, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="multiple of 32"):
        LonePlan(("gun",), size=50)
    with pytest.raises(ValueError, match="share must be two numbers"):
        LonePlan(("gun",), share=(0.9, 0.5))
    with pytest.raises(BadInputError, match="no object of laptop"):
        write_lone_shards(tmp_path, library, LonePlan(("laptop",)), shards=1)


def test_the_command_says_what_it_wrote(
    library: ObjectLibrary, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["data", "inpainting", str(tmp_path / "lone"), "--alone", "--shards", "1", "--count", "4"]
    named = ["--classes", "gun,knife", "--library", str(library.root), "--split", library.split]
    assert main([*words, *named, "--pixel-mm", str(library.pixel_mm)]) == 0
    assert "1 shards of 4 lone threats" in capsys.readouterr().out
    assert len(open_inpainting_shards(tmp_path / "lone")) == 4
