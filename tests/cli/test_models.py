"""`beltline models show`: a card for people, however nested what it says is."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from beltline import screening
from beltline.cli.app import main
from beltline.screening import ScreeningModel
from beltline.screening.cards import ModelCard

DETAILS: dict[str, Any] = {
    "purpose": "Tests only.",
    "limits": ["Finds dark places, not items.", "Nothing else."],
    "recipe": {
        "crop_height": 288,
        "zoom": [0.7, 1.4],
        "pretrained": False,
        "init": None,
        "backbone_weights": "",
    },
    "figures": {
        "classes": {"gun": {"ap": 0.7640861, "by_pfa": {"0.05": 0.5}}},
        "sets": [{"name": "a", "n": 2}],
    },
    "nothing": [],
}
SHOWN = """\
purpose: Tests only.
limits:
  - Finds dark places, not items.
  - Nothing else.
recipe:
  crop height: 288
  zoom: 0.7, 1.4
  pretrained: no
  init: none
  backbone weights: none
figures:
  classes:
    gun:
      ap: 0.764086
      by pfa:
        0.05: 0.5
  sets:
    - name: a
      n: 2
nothing: none
"""


@pytest.fixture
def _nested_card(monkeypatch: pytest.MonkeyPatch) -> None:
    one = np.ones(1)
    card = ModelCard("nested", ("gun",), 448, one, one, {0.05: one}, 0.4, details=DETAILS)
    monkeypatch.setattr(screening, "find_weights", lambda *_, **__: None)
    monkeypatch.setattr(screening, "open_model", lambda _: ScreeningModel(card, "00", {}))


@pytest.mark.usefixtures("_nested_card")
def test_nested_values_read_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "show"]) == 0
    assert capsys.readouterr().out.split("448 px\n")[1] == SHOWN


@pytest.mark.parametrize("name", ["starter-chr-3", "starter-detector-2"])
def test_shipped_cards_show_no_python(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "show", name]) == 0
    shown = capsys.readouterr().out
    for sign in ("{", "}", "['", "True", "False", "None"):
        assert sign not in shown


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from safetensors.numpy import save_file

    monkeypatch.setenv("BELTLINE_HOME", str(tmp_path / "home"))
    told = {
        "classes": json.dumps(["gun", "knife"]),
        "network": json.dumps({"alone": True, "widths": [8, 16]}),
    }
    save_file({"w": np.ones((2, 2), np.float16)}, tmp_path / "painter.safetensors", metadata=told)
    return tmp_path / "painter.safetensors"


def test_bare_weights_are_imported_listed_and_shown(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "import", str(bare), "--name", "mine"]) == 0
    assert main(["models", "list"]) == 0
    assert "mine" in capsys.readouterr().out
    assert main(["models", "show", "mine"]) == 0
    shown = capsys.readouterr().out
    assert "classes (2): gun, knife" in shown
    assert "nothing screens with them" in shown
    assert "widths: 8, 16" in shown
    assert main(["models", "verify", "mine"]) == 0
    assert main(["models", "import", str(bare), "--name", "mine"]) == 0, "the same name gives way"
    assert [entry.name for entry in screening.list_starts() if entry.origin == "imported"] == ["mine"]
    capsys.readouterr()
    assert main(["models", "import", str(bare), "--name", "starter-chr-3"]) == 4
    assert main(["models", "import", str(bare), "--sha256", "00"]) == 4
    assert "you expected 00" in capsys.readouterr().err
    stored = screening.list_starts()[-1].path
    stored.write_bytes(stored.read_bytes()[:-1] + b"x")
    assert main(["models", "verify", "mine"]) == 4
