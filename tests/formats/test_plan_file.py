"""A folder keeps the plan it was begun with; another one is refused field by field, nothing is written."""

import json
from dataclasses import dataclass, field

import numpy as np
import pytest

from beltline.core import BadInputError
from beltline.formats import SetWriter, begin_plan, require_plan, write_shard


@dataclass(frozen=True)
class Scanner:
    pixel_mm: float = 0.8
    views: int = 1


@dataclass(frozen=True)
class Plan:
    seed: int = 0
    style: str = "any"
    classes: tuple[str, ...] = ("gun", "knife")
    weights: dict[str, float] = field(default_factory=lambda: {"suitcase": 1.0})
    scanner: Scanner = Scanner()


def begun(folder, plan, kind="simulated"):
    """The folder as a run leaves it that was killed after its first bag."""
    begin_plan(folder, kind, {"plan": plan})
    (folder / "bag.png").write_bytes(b"x")
    return folder


def test_the_plan_lies_there_before_the_first_item(tmp_path):
    begin_plan(tmp_path / "deep" / "set", "simulated", {"plan": Plan()})
    written = json.loads((tmp_path / "deep" / "set" / "plan.json").read_text())
    assert written["kind"] == "simulated"
    assert written["plan"]["scanner"] == {"pixel_mm": 0.8, "views": 1}
    assert written["plan"]["classes"] == ["gun", "knife"]


def test_the_same_plan_goes_on(tmp_path):
    begun(tmp_path, Plan())
    before = (tmp_path / "plan.json").read_bytes()
    begin_plan(tmp_path, "simulated", {"plan": Plan()})
    assert (tmp_path / "plan.json").read_bytes() == before


def test_every_field_that_differs_is_named_with_both_values(tmp_path):
    begun(tmp_path, Plan())
    other = Plan(3, "white", ("gun",), {"suitcase": 1.0, "tray": 1.0}, Scanner(1.0))
    with pytest.raises(BadInputError) as error:
        begin_plan(tmp_path, "simulated", {"plan": other})
    text = str(error.value)
    for part in (
        "plan.seed was 0, now 3",
        "plan.style was any, now white",
        'plan.classes was ["gun", "knife"], now ["gun"]',
        'plan.weights was {"suitcase": 1.0}, now {"suitcase": 1.0, "tray": 1.0}',
        "plan.scanner.pixel_mm was 0.8, now 1.0",
        "name a new folder",
    ):
        assert part in text
    assert "views" not in text
    assert "\n" not in text
    assert json.loads((tmp_path / "plan.json").read_text())["plan"]["seed"] == 0


def test_a_free_field_may_change(tmp_path):
    begun(tmp_path, Plan())
    free = frozenset(("plan.seed",))
    begin_plan(tmp_path, "simulated", {"plan": Plan(seed=9)}, free=free)
    with pytest.raises(BadInputError, match="style was any, now tray"):
        begin_plan(tmp_path, "simulated", {"plan": Plan(9, "tray")}, free=free)


def test_another_kind_of_set_is_refused(tmp_path):
    begun(tmp_path, Plan())
    with pytest.raises(BadInputError, match="kind was simulated, now shards"):
        require_plan(tmp_path, "shards", {"plan": Plan()})


def test_a_plan_that_made_nothing_yet_is_replaced(tmp_path):
    begin_plan(tmp_path, "simulated", {"seed": 1})
    (tmp_path / "images").mkdir()  # a set's empty folders are nothing
    (tmp_path / "images" / ".a.png.1.2.tmp").write_bytes(b"half")
    begin_plan(tmp_path, "simulated", {"seed": 2})
    assert json.loads((tmp_path / "plan.json").read_text())["seed"] == 2


def test_a_set_finished_before_plans_were_kept_is_guarded_by_its_card(tmp_path):
    writer = SetWriter(tmp_path, classes=("gun",))
    writer.add("bag0", image=np.full((16, 20, 3), 255, np.uint8), image_labels=[0])
    writer.finish({"source": "simulated", "seed": 1, "plan": {"style": "any"}})
    with pytest.raises(BadInputError, match=r"seed was 1, now 2; plan\.style was any, now tray"):
        begin_plan(tmp_path, "simulated", {"seed": 2, "plan": Plan(style="tray")})
    assert not (tmp_path / "plan.json").exists()
    begin_plan(tmp_path, "simulated", {"seed": 1, "plan": Plan()})  # what its card does not tell is the same
    with pytest.raises(BadInputError, match=r"plan\.seed was 0, now 5"):
        begin_plan(tmp_path, "simulated", {"seed": 1, "plan": Plan(seed=5)})  # from now on it has a plan
    with pytest.raises(BadInputError, match="kind was simulated, now sixray"):
        begin_plan(tmp_path, "sixray", {})


def test_what_has_neither_plan_nor_card_is_left_alone(tmp_path):
    writer = SetWriter(tmp_path / "killed", classes=("gun",))
    writer.add("bag0", image=np.full((16, 20, 3), 255, np.uint8), image_labels=[0])
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "beach.jpg").write_bytes(b"x")
    for name in ("killed", "holiday"):
        with pytest.raises(BadInputError, match=f"{name}: holds something else than a set with"):
            begin_plan(tmp_path / name, "simulated", {})
    with pytest.raises(BadInputError, match="is a file"):
        begin_plan(tmp_path / "holiday" / "beach.jpg", "simulated", {})


@pytest.mark.parametrize("text", ["{", "[1]", "\xff"])
def test_a_damaged_plan_is_one_clear_line(tmp_path, text):
    begun(tmp_path, Plan())
    (tmp_path / "plan.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(BadInputError, match=r"plan\.json: damaged"):
        begin_plan(tmp_path, "simulated", {"plan": Plan()})


def test_items_beyond_those_asked_for_are_refused(tmp_path):
    writer = SetWriter(tmp_path, classes=("gun",))
    for number in range(3):
        writer.add(f"bag{number}", image=np.full((16, 20, 3), 255, np.uint8), image_labels=[0])
    writer.require_only(f"bag{number}" for number in range(4))
    with pytest.raises(BadInputError, match="holds 2 items more than the 1 asked for, first bag1"):
        writer.require_only(["bag0"])


def test_shards_of_other_classes_are_refused_and_the_old_names_stay(tmp_path):
    arrays = {
        "images": np.zeros((1, 3, 32, 64), np.uint8),
        "masks": np.zeros((1, 2, 4, 8), np.uint8),
        "labels": np.zeros((1, 2), np.uint8),
    }
    write_shard(tmp_path, 0, classes=("gun", "knife"), **arrays)
    with pytest.raises(BadInputError, match="classes gun,knife, now knife,gun; give --classes gun,knife"):
        write_shard(tmp_path, 1, classes=("knife", "gun"), **arrays)
    assert json.loads((tmp_path / "classes.json").read_text()) == ["gun", "knife"]
    assert [path.name for path in tmp_path.glob("shard_*")] == ["shard_00000"]


def test_what_a_killed_writer_left_of_a_shard_is_not_in_the_next(tmp_path):
    (tmp_path / "shard_00000.part").mkdir()
    (tmp_path / "shard_00000.part" / "objects.npy").write_bytes(b"half")
    arrays = {
        "images": np.zeros((1, 3, 32, 64), np.uint8),
        "masks": np.zeros((1, 1, 4, 8), np.uint8),
        "labels": np.zeros((1, 1), np.uint8),
    }
    path = write_shard(tmp_path, 0, classes=("gun",), **arrays)
    assert not (path / "objects.npy").exists()
