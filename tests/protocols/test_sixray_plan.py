"""The plan of the SIXray experiment: which cells, in which order, beside which printed rows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from beltline.protocols.simulated import PAPER_IMAGES, long_tailed
from beltline.protocols.sixray.plan import (
    METHODS,
    SCALES,
    SUBSETS,
    Cell,
    cells,
    epsilon_of,
    narrow,
    options_of,
)
from beltline.protocols.sixray.published import read_printed


@pytest.mark.parametrize("name", SCALES)
def test_cells_are_distinct_and_their_folders_too(name: str) -> None:
    scale = SCALES[name]
    planned = list(cells(scale))
    assert len({cell.name for cell in planned}) == len(planned)
    ablation = [cell for cell in planned if cell.net == scale.ablation]
    for method in scale.methods:
        subsets = scale.subsets if method in scale.everywhere else scale.side_subsets
        mine = [cell for cell in ablation if cell.method == method]
        assert {cell.subset for cell in mine} == set(subsets)
        assert len(mine) == len(subsets) * len(scale.seeds)
    assert {cell.method for cell in planned if cell.net != scale.ablation} <= {"plain", "CHR"}


def test_paper_scale_covers_every_printed_row() -> None:
    scale, printed = SCALES["paper"], read_printed()
    models = {
        f"{net.published}{METHODS[cell.method].published or ''}"
        for cell in cells(scale)
        if (net := scale.nets[cell.net]).published and METHODS[cell.method].published is not None
    }
    assert {model for model, _, _ in printed.classification} <= models
    assert {model for model, _, _ in printed.localization} <= models
    assert {model for model, _ in printed.ablation} <= models
    assert {cell.subset for cell in cells(scale)} == set(SUBSETS)


@pytest.mark.parametrize("subset", SUBSETS)
def test_paper_scale_keeps_its_threshold_below_the_share_of_every_class(subset: str) -> None:
    """Above it a head hears of no negative any more, once it has learned that the class is rare."""
    scale = SCALES["paper"]
    positives = round(scale.train_negatives / scale.ratios[subset])
    counts = long_tailed(positives)
    if subset == "SIXray1000":  # a cap evens the classes out
        counts = dict.fromkeys(counts, positives / len(counts))
    shares = [count / (positives + scale.train_negatives) for count in counts.values()]
    balanced = [name for name, method in METHODS.items() if method.variant in ("CH", "CHR")]
    named = {name for name in balanced if METHODS[name].epsilon is not None}
    assert named == {"CHR epsilon 0.001"}
    for name in set(balanced) - named:
        assert epsilon_of(METHODS[name], scale) < min(shares), name
    assert epsilon_of(METHODS["CHR"], SCALES["small"]) == 0.05  # there to show what it does


def test_printed_means_are_those_of_the_classes() -> None:
    printed = read_printed()
    for (model, subset, name), mean in printed.classification.items():
        if name == "mean":
            each = [printed.classification[model, subset, c] for c in PAPER_IMAGES]
            assert mean == pytest.approx(sum(each) / 5, abs=0.35), (model, subset)


def test_simulated_counts_have_the_papers_long_tail() -> None:
    counts = long_tailed(1000)
    assert sum(counts.values()) == pytest.approx(1000, abs=3)
    assert list(counts) == list(PAPER_IMAGES)
    assert counts["pliers"] / counts["scissors"] == pytest.approx(3961 / 983, rel=0.03)
    assert min(long_tailed(2).values()) == 1


def test_names_of_cells_are_names_of_folders() -> None:
    name = Cell("ResNet18 half", "CHR light", "SIXray10", 2).name
    assert name == "ResNet18_half--CHR_light--SIXray10--2"


def test_a_scale_narrows_to_the_cells_asked_for() -> None:
    small = SCALES["small"]
    part = narrow(
        small, nets=["ResNet18 half"], methods=["plain", "HR"], subsets=["SIXray100"], seeds=[4], images=9
    )
    names = [cell.name for cell in cells(part)]
    assert names == ["ResNet18_half--plain--SIXray100--4", "ResNet18_half--HR--SIXray100--4"]
    assert part.images == 9
    assert narrow(small) == small
    only = [cell.net for cell in cells(narrow(small, nets=["Inception-v3"], methods=["CHR"]))]
    assert only == ["Inception-v3"] * 3


@pytest.mark.parametrize(
    ("asked", "reason"), [({"nets": ["VGG"]}, "VGG: not in this scale"), ({"images": 0}, "positive")]
)
def test_a_scale_has_only_its_own(asked: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        narrow(SCALES["small"], **asked)  # type: ignore[arg-type]


def test_the_card_names_the_options_that_made_it() -> None:
    part = narrow(SCALES["small"], nets=["ResNet18 half"], methods=["plain", "CHR"], seeds=[4])
    assert options_of(part) == "--scale small --nets 'ResNet18 half' --methods 'plain,CHR' --seeds '4'"
    assert options_of(SCALES["paper"]) == "--scale paper"
    assert options_of(replace(SCALES["small"], lr=0.5)) is None
