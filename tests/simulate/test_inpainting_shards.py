"""Inpainting shards: the same window with a threat and without; what lies around it stays."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from beltline.cli.app import main
from beltline.core import BadInputError
from beltline.formats.inpainting_shards import (
    InpaintingWindows,
    open_inpainting_shards,
    write_inpainting_shard,
)
from beltline.simulate.inpainting_shards import InpaintingPlan, write_inpainting_shards
from beltline.simulate.library import ObjectLibrary

PLAN = InpaintingPlan(("gun", "knife"), count=4, size=64)


@pytest.fixture(scope="module")
def folder(library: ObjectLibrary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("inpainting")
    assert write_inpainting_shards(out, library, PLAN, shards=2, seed=3) == 2
    return out


@pytest.fixture(scope="module")
def data(folder: Path) -> InpaintingWindows:
    return open_inpainting_shards(folder)


def test_a_threat_darkens_its_pixels_and_no_others(data: InpaintingWindows) -> None:
    assert data.classes == ("gun", "knife")
    assert data.shape == (2, 64, 64)
    assert len(data) >= 10
    rows = np.arange(len(data))
    painted, bag, masks = (each(rows).astype(int) for each in (data.painted, data.bag, data.mask))
    for change, mask, facts in zip((painted - bag).mean(1), masks.astype(bool), data.windows, strict=True):
        x1, y1, x2, y2 = facts["box"]
        inside = np.zeros((64, 64), bool)
        inside[max(int(y1) - 3, 0) : int(y2) + 4, max(int(x1) - 3, 0) : int(x2) + 4] = True
        assert change[mask].mean() > 4
        assert abs(change[~inside]).mean() < 2, "noise is the same; scatter reaches out a little"
        assert mask[~inside].sum() == 0
        assert 0 <= facts["occlusion"] < 1


def test_a_shard_depends_on_its_number_alone(library: ObjectLibrary, folder: Path, tmp_path: Path) -> None:
    write_inpainting_shards(tmp_path, library, PLAN, shards=1, first=1, seed=3)
    for name in ("painted", "bag", "mask", "windows"):
        file = Path("shard_00001") / f"{name}.npy"
        assert (tmp_path / file).read_bytes() == (folder / file).read_bytes()
    with pytest.raises(BadInputError, match=r"plan.count was 4, now 5"):
        write_inpainting_shards(
            tmp_path, library, InpaintingPlan(("gun", "knife"), count=5, size=64), shards=1, seed=3
        )


def test_damage_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="holds no inpainting shards"):
        open_inpainting_shards(tmp_path)
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    np.save(broken / "shard_00001" / "bag.npy", np.zeros((1, 2, 8, 8), np.uint8))
    with pytest.raises(BadInputError, match="do not belong together"):
        open_inpainting_shards(broken)
    (broken / "shard_00001" / "bag.npy").write_bytes(b"nothing")
    with pytest.raises(BadInputError, match="is damaged"):
        open_inpainting_shards(broken)
    with pytest.raises(ValueError, match="at least one window"):
        write_inpainting_shard(tmp_path, 0, [])


def test_plans_without_sense_are_refused(library: ObjectLibrary, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="size must be a multiple of 32"):
        InpaintingPlan(("gun",), size=50)
    with pytest.raises(ValueError, match="share must hold"):
        InpaintingPlan(("gun",), share=(0.6, 0.7))
    guns = {one.family for one in library.objects if one.label == "gun"}
    with pytest.raises(BadInputError, match="no object of gun; bake another library"):
        write_inpainting_shards(tmp_path, ObjectLibrary(library.root, left_out=guns), PLAN, shards=1)


def test_the_command(library: ObjectLibrary, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["data", "inpainting", str(tmp_path / "w"), "--split", library.split, "--shards", "1"]
    more = ["--count", "1", "--classes", "gun", "--library", str(library.root)]
    assert main([*words, *more, "--pixel-mm", str(library.pixel_mm)]) == 0
    assert "1 shards of 1 bags" in capsys.readouterr().out
    assert open_inpainting_shards(tmp_path / "w").shape == (2, 256, 256)
