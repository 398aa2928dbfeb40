"""Tables of the XSeg experiment's report, from the cells that are done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from beltline.metrics.click_curves import clicks_needed
from beltline.protocols.claims import Claim, over_scans, over_seeds
from beltline.protocols.tables import Row, spread
from beltline.protocols.xseg.measure import Scores, dice_of
from beltline.protocols.xseg.misses import MISSED_BELOW
from beltline.protocols.xseg.plan import ABLATION, DECIDING, MAIN, METHODS, Method, XsegScale
from beltline.protocols.xseg.published import printed_ablation, printed_cross_domain, printed_main
from beltline.protocols.xseg.results import Done, claim, pick
from beltline.protocols.xseg.sources import XsegData


def main_table(
    found: Sequence[Done], trivial: Mapping[str, Scores], scale: XsegScale, test: str
) -> list[Row]:
    """The main table; rules that are not trained come last."""
    printed = printed_main()
    rows = []
    for name in MAIN:
        mine = pick(found, name)
        if not mine:
            continue
        paper = printed.get(METHODS[name].published or "")
        millions = mine[0].result["trained_parameters"] / 1e6
        rows.append(
            {
                "row": name,
                "prompt": prompt_text(METHODS[name]),
                "seeds": str(len(mine)),
                "trained, millions": f"{millions:.2f}",
                **_figures([d.scores[test] for d in mine], scale),
                "printed mIoU": f"{paper[0]:.2f}" if paper else "",
                "printed Dice": f"{paper[1]:.2f}" if paper else "",
            }
        )
    for rule, scores in trivial.items():
        rows.append({"row": rule, "prompt": "no training", **_figures([scores], scale)})
    return rows


def _figures(each: Sequence[Scores], scale: XsegScale) -> Row:
    row = {
        "mIoU": spread([s.ious for s in each]),
        "Dice": spread([dice_of(s.ious) for s in each]),
        "missed": spread([(s.ious < MISSED_BELOW).astype(float) for s in each]),
        "mIoU, random click": spread([s.random for s in each]),
        "± draws": f"{100 * float(np.mean([_draw_sd(s.random) for s in each])):.1f}",
    }
    length = each[0].curves.shape[1]
    for clicks in (3, 5):
        row[f"mIoU, {clicks} clicks"] = (
            spread([s.curves[:, clicks - 1] for s in each]) if clicks <= length else ""
        )
    for goal in (0.85, 0.9):
        title = f"NoC{scale.clicks}@{100 * goal:.0f}"
        needed = [clicks_needed(s.curves, goal).mean for s in each] if length == scale.clicks else []
        row[title] = f"{np.mean(needed):.1f}" if needed else ""
    return row


def _draw_sd(ious: NDArray[np.float64]) -> float:
    return float(ious.mean(1).std(ddof=1)) if len(ious) > 1 else 0.0


def prompt_text(method: Method) -> str:
    """What a row is given, in words."""
    if not method.promptable:
        return "none: not like for like"
    return {
        "click": "one click",
        "two random": "two clicks at random",
        "generated": "one click, two points of its own first mask",
        "drawn": "one click, two random points of its own first mask",
        "oracle": "two points of the true mask: an oracle",
    }[method.points]


def ablation_table(found: Sequence[Done], test: str) -> list[Row]:
    """APSAM with and without its parts, and by its points."""
    printed = printed_ablation()
    rows = []
    for name in ABLATION:
        mine, method = pick(found, name), METHODS[name]
        if not mine:
            continue
        paper = printed.get(method.ablation or "")
        rows.append(
            {
                "row": name,
                "energy-aware encoder": "yes" if method.energy else "no",
                "prompt": prompt_text(method),
                "seeds": str(len(mine)),
                "mIoU": spread([d.scores[test].ious for d in mine]),
                "Dice": spread([dice_of(d.scores[test].ious) for d in mine]),
                "mIoU, random click": spread([d.scores[test].random for d in mine]),
                "printed mIoU": f"{paper[0]:.2f}" if paper else "",
                "printed Dice": f"{paper[1]:.2f}" if paper else "",
            }
        )
    return rows


#: Differences of the report, second minus first; the first of them decides.
PAIRS: Sequence[tuple[str, str]] = (
    (DECIDING.first, DECIDING.second),
    ("SAM frozen", "SAM tuned"),
    ("SAM tuned", "SAMUS"),
    ("SAMUS", "APSAM"),
    ("APSAM without EAE", "APSAM"),
    ("APSAM without APG", "APSAM"),
    ("APSAM without both", "APSAM"),
    ("APSAM without both", "Two random points, without EAE"),
    ("APSAM without both", "APSAM without EAE"),
    ("Drawn points, without EAE", "APSAM without EAE"),
    ("APSAM without EAE", "Oracle points, without EAE"),
    ("APSAM", "Click model"),
    ("APSAM", "Click model without energies"),
    ("Click model without energies", "Click model"),
    ("Click model", "Click model with generated points"),
)


def difference_table(found: Sequence[Done], data: XsegData) -> list[Row]:
    """Every pair of `PAIRS` on every test set."""
    rows = []
    for first, second in PAIRS:
        for test, test_set in data.tests.items():
            difference = claim(found, first, second, test, test_set)
            if difference is not None:
                decides = (first, second, test) == (DECIDING.first, DECIDING.second, next(iter(data.tests)))
                rows.append(_difference_row(f"{second} - {first}", test, difference, decides))
    return rows


def _difference_row(title: str, test: str, found: Claim, decides: bool) -> Row:
    return {
        "difference": title,
        "test set": test,
        "seeds": str(len(found.each)),
        "mIoU points": over_seeds(found),
        "test scans": over_scans(found),
        "clear": "yes" if found.clear else "",
        "decides": "yes" if decides else "",
    }


def protocol_table(found: Sequence[Done], test: str) -> list[Row]:
    """Every row instance by instance, and all of a picture as one."""
    printed = printed_main()
    rows = []
    for name, method in METHODS.items():
        mine = [d.scores[test] for d in pick(found, name)]
        if not mine:
            continue
        paper = printed["APSAM"] if name == "APSAM released" else printed.get(method.published or "")
        rows.append(
            {
                "row": name,
                "trained on": "instances" if method.protocol == "per_instance" else "unions",
                "prompt": prompt_text(method),
                "per instance mIoU": spread([s.ious for s in mine]),
                "per instance Dice": spread([dice_of(s.ious) for s in mine]),
                "image union IoU": spread([s.unions[:, 0] for s in mine]),
                "image union Dice": spread([s.unions[:, 1] for s in mine]),
                "printed (image union)": f"{paper[0]:.2f}" if paper else "",
            }
        )
    return rows


def cross_domain_table(
    found: Sequence[Done], trivial: Mapping[str, Mapping[str, Scores]], data: XsegData
) -> list[Row]:
    """MIoU of the main table's rows on every test set."""
    printed = printed_cross_domain()
    rows = []
    for name in MAIN:
        mine = pick(found, name)
        if mine:
            each = {test: spread([d.scores[test].ious for d in mine]) for test in data.tests}
            paper = {
                f"printed {other}": f"{printed[name, other]:.2f}" if (name, other) in printed else ""
                for other in ("PIDray", "PIXray")
            }
            rows.append({"row": name, "seeds": str(len(mine)), **each, **paper})
    for rule in next(iter(trivial.values())):
        rows.append({"row": rule, **{test: spread([trivial[test][rule].ious]) for test in data.tests}})
    return rows


def mean_curves(found: Sequence[Done], test: str) -> dict[str, NDArray[np.float64]]:
    """Mean IoU over clicks of the rows that take further ones, mean over seeds."""
    curves = {}
    for name in MAIN:
        mine = [d.scores[test].curves for d in pick(found, name)]
        if mine and mine[0].shape[1] > 1:
            curves[name] = np.mean([curve.mean(0) for curve in mine], axis=0)
    return curves


def per_seed_table(found: Sequence[Done]) -> list[Row]:
    """One row a cell and test set, in percent: what any other interval can be computed from."""
    return [
        {
            "row": d.cell.method,
            "seed": str(d.cell.seed),
            "test set": test,
            "mIoU": f"{100 * scores.ious.mean():.3f}",
            "mIoU, random click": f"{100 * scores.random.mean():.3f}",
            "missed": f"{100 * (scores.ious < MISSED_BELOW).mean():.3f}",
            "image union IoU": f"{100 * scores.unions[:, 0].mean():.3f}",
            "train seconds": f"{d.result['train_seconds']:.1f}",
            "measure seconds": f"{d.result['measure_seconds']:.1f}",
        }
        for d in found
        for test, scores in d.scores.items()
    ]
