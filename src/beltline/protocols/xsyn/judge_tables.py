"""What was found about painted windows, as tables."""

from __future__ import annotations

from beltline.metrics import BoxAgreement, PairedDifference, Rate
from beltline.protocols.tables import Row, markdown
from beltline.protocols.xsyn.judge import BAG, COMPOSITE, LAYOUT, MADE, Judgement


def sets_table(judgement: Judgement) -> list[Row]:
    """A row a set: painted, with an item really in it, the bag alone."""
    return [
        {
            "windows": name,
            "item found, %": _percent(one.found),
            "FD": f"{one.frechet:.2f}",
            "KD x 1000": f"{1000 * one.kernel.mean:.2f} ± {1000 * one.kernel.std:.2f}",
            "precision": f"{one.shares.precision:.2f}",
            "recall": f"{one.shares.recall:.2f}",
            "memorised, %": f"{100 * one.memorised:.1f}",
            "distance to training": f"{one.memorised_ratio:.2f}",
            "diversity": f"{one.diversity:.2f}",
        }
        for name, one in judgement.sets.items()
    ]


def boxes_table(judgement: Judgement) -> list[Row]:
    """A row a class and one for all: IoU of each box with the true extent, and what a refined one gains."""
    found = judgement.sets[MADE]
    rows = [
        _boxes_row(name, one, found.found_by_class[name]) for name, one in judgement.boxes_by_class.items()
    ]
    return [*rows, _boxes_row("all", judgement.boxes, found.found)]


def table(judgement: Judgement) -> list[str]:
    """Lines of Markdown: both tables, and what a reader needs to read them."""
    one = judgement
    text = (
        f"FD and KD are distances of {one.features} to held-out windows, not FID and KID; two halves of"
        f" these are FD {one.frechet_floor:.2f} apart, their diversity is {one.real_diversity:.2f}."
        " Memorised: nearer to a training window than 5 % of the held-out ones are. Distance to training:"
        " median, 1 is that of held-out windows.\n\n"
        f"More than {one.threshold:g} of optical depth was added in {_percent(one.painted)} % of the windows."
        f" IoU is with the extent of that; the box of an item really there has {one.extent_overlap:.2f}."
        f" Change outside the window: {one.change_outside:.3g} {one.unit}.\n"
    )
    told = "".join(f"\n**Cannot tell**: {each}\n" for each in blind(one))
    whole = f"{markdown(sets_table(one))}\n{markdown(boxes_table(one))}\n{text}{told}"
    return whole.rstrip("\n").split("\n")


def blind(judgement: Judgement) -> list[str]:
    """Sentences on figures that do not even tell an item that is really there from the bag alone."""
    there, bare = judgement.sets[COMPOSITE], judgement.sets[BAG]
    found = []
    if there.found.low <= bare.found.high:
        found.append(
            f"the detector finds {_percent(there.found)} % of the items really there and"
            f" {_percent(bare.found)} % where there is none; what it finds of painted"
            " ones says nothing, hidden ones included."
        )
    spread = max(there.kernel.std, bare.kernel.std)
    if bare.kernel.mean - there.kernel.mean <= spread:
        found.append(
            "the kernel distance of bags with an item really in them is within a standard deviation of that"
            " of the bags alone; what it says of painted ones tells of bags, not of items."
        )
    return found


def _boxes_row(name: str, one: BoxAgreement, found: Rate) -> Row:
    row = {"class": name, "items": str(one.items), "found, %": _percent(found)}
    for source, iou in one.iou.items():
        row[f"IoU {source}"] = f"{iou:.2f}"
        row[f"≥ 0.5 {source}, %"] = f"{100 * one.half[source]:.0f}"
        if source != LAYOUT:
            row[f"{source} - layout"] = _difference(one.over_reference.get(source))
    return row


def _difference(found: PairedDifference | None) -> str:
    return "-" if found is None else f"{found.difference:+.2f} [{found.low:+.2f}, {found.high:+.2f}]"


def _percent(rate: Rate) -> str:
    return f"{100 * rate.value:.0f} [{100 * rate.low:.0f}, {100 * rate.high:.0f}]"
