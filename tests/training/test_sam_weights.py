"""Official SAM checkpoints: imported once, found by name, refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from beltline.cli.app import main
from beltline.core import BadInputError, UntrustedWeightsError
from beltline.models.sam import official_shapes
from beltline.models.sam_encoder import SamSize
from beltline.training import sam_weights
from beltline.training.sam_weights import import_sam, read_sam

SIZE = SamSize(width=16, depth=1, heads=2, global_blocks=(0,), table=8, window=4, out=16, mlp=16)
Change = Callable[[dict[str, torch.Tensor]], object]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELTLINE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sam_weights, "SIZES", {"vit_b": SIZE})


@pytest.fixture
def tensors() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(shape, generator=generator) for name, shape in official_shapes(SIZE).items()}


def saved(path: Path, tensors: dict[str, torch.Tensor]) -> Path:
    torch.save(tensors, path)
    return path


def test_a_checkpoint_is_imported_and_found_by_name(
    tmp_path: Path, tensors: dict[str, torch.Tensor], capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved(tmp_path / "sam_vit_b_01ec64.pth", tensors)
    assert main(["models", "import", str(path), "--name", "sam-b", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["name"], said["size"]) == ("sam-b", "vit_b")
    assert Path(said["path"]).suffix == ".safetensors"
    path.unlink()
    found = read_sam("sam-b")
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)
    assert len(found) == len(tensors)


def test_a_file_may_be_named_without_importing_it(tmp_path: Path, tensors: dict[str, torch.Tensor]) -> None:
    assert len(read_sam(str(saved(tmp_path / "any.pth", tensors)))) == len(tensors)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.pop("mask_decoder.iou_token.weight"), "lacks mask_decoder.iou_token.weight"),
        (lambda t: t.update(extra=torch.zeros(1)), "unknown extra"),
        (
            lambda t: t.update({"image_encoder.neck.0.weight": torch.zeros(2, 2)}),
            r"neck.0.weight is \(2, 2\)",
        ),
        (lambda t: t.update({"image_encoder.pos_embed": torch.zeros(1, 8, 8, 1280)}), "of width 1280"),
        (lambda t: t.clear() or t.update(a=torch.zeros(1)), "lacks image_encoder.pos_embed"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(
    change: Change,
    said: str,
    tmp_path: Path,
    tensors: dict[str, torch.Tensor],
    capsys: pytest.CaptureFixture[str],
) -> None:
    change(tensors)
    path = saved(tmp_path / "sam.pth", tensors)
    with pytest.raises(BadInputError, match=said):
        import_sam(path)
    assert main(["models", "import", str(path)]) == 3
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not list((tmp_path / "home").rglob("*.safetensors"))


def test_a_file_with_code_in_it_is_not_run(tmp_path: Path) -> None:
    torch.save({"a": Path("x")}, tmp_path / "evil.pth")
    with pytest.raises(UntrustedWeightsError, match="more than tensors"):
        import_sam(tmp_path / "evil.pth")


def test_sums_are_checked(tmp_path: Path, tensors: dict[str, torch.Tensor]) -> None:
    path = saved(tmp_path / "sam.pth", tensors)
    with pytest.raises(UntrustedWeightsError, match="you expected 00"):
        import_sam(path, sha256="00")
    found = import_sam(path)
    assert found.name == "sam"
    found.path.write_bytes(found.path.read_bytes()[:-4] + b"abcd")
    with pytest.raises(UntrustedWeightsError, match="was changed since"):
        read_sam("sam")


def test_an_unknown_name_names_the_known_ones(tmp_path: Path, tensors: dict[str, torch.Tensor]) -> None:
    import_sam(saved(tmp_path / "sam.pth", tensors), name="mine")
    with pytest.raises(BadInputError, match=r"'other' \(imported: mine\)"):
        read_sam("other")
    with pytest.raises(BadInputError, match="no plain name"):
        import_sam(tmp_path / "sam.pth", name="../other")
