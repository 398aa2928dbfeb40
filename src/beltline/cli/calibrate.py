"""``beltline calibrate``: alarm thresholds from the user's own benign scans."""

from pathlib import Path
from typing import Annotated, Any

import typer

from beltline.cli.context import JsonFlag, note, print_json, progress_bar, say

SHOWN = 5


def calibrate(
    model: Annotated[str, typer.Argument(help="Name (see beltline models list) or ONNX file.")],
    benign: Annotated[
        list[Path], typer.Option("--benign", help="Folder or file of benign scans; repeatable.")
    ],
    out: Annotated[str, typer.Option("--out", help="Name of the model with the new thresholds.")],
    pfa: Annotated[float, typer.Option(help="Share of benign scans that may alarm.")] = 0.05,
    scanner: Annotated[str, typer.Option(help="Where the scans come from, for the record.")] = "",
    trust: Annotated[bool, typer.Option("--trust", help="Run a file that no manifest lists.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Choose a model's alarm thresholds on your own benign scans; no threat label is needed.

    The model keeps its graph and gets a name of its own, which screen --model takes. What comes out is a
    promise for scans like these: at most the share --pfa of them alarms, on average over such choices. The
    range in which the true rate of this choice lies is printed.

    Example: beltline calibrate starter-chr-3 --benign BENIGN --out lane-3 --pfa 0.05
    """
    from beltline.core import printable
    from beltline.screening.own_thresholds import choose_own, score_benign
    from beltline.screening.session import open_model, screens
    from beltline.screening.weights import add_card, find_weights

    if not 0 < pfa < 1:
        raise typer.BadParameter(f"must be between 0 and 1, got {pfa:g}", param_hint="--pfa")
    weights = find_weights(model, trust=trust)
    loaded = screens(open_model(weights))
    with progress_bar("screening benign scans") as on_progress:
        scored = score_benign(benign, loaded, on_progress=on_progress)
    chosen = choose_own(loaded.card, scored, pfa, name=out, scanner=scanner)
    entry = add_card(weights, out, chosen.card.to_json())
    if as_json:
        print_json(_facts(chosen, scored, entry.sha256))
    else:
        say(
            f"{out}: {loaded.card.name} with thresholds of {chosen.scans} benign scans; the true false-alarm"
            f" rate lies between {chosen.low:.1%} and {chosen.high:.1%} (in 95 of 100 such choices)"
        )
        say(f"beltline screen SCANS --model {out} --pfa {pfa:g} --out DIR")
    for item in scored.not_judged[:SHOWN]:
        note(f"beltline: does not count: {printable(item.path)}: {printable(item.reason)}")
    if chosen.scans < chosen.better:
        note(
            f"beltline: {chosen.scans} scans are few: one bold bag among them sets the thresholds high, and"
            f" threats pass; take {chosen.better} or more"
        )
    if scored.duplicates:
        note(f"beltline: {len(scored.duplicates)} files are copies of others and count once")
    if chosen.above:
        shown = ", ".join(printable(name) for name in chosen.above[:SHOWN])
        note(f"beltline: alarm all the same; make sure that they are benign ({len(chosen.above)}): {shown}")


def _facts(chosen: Any, scored: Any, sha256: str) -> dict[str, Any]:
    return {
        "name": chosen.card.name,
        "sha256": sha256,
        "pfa": chosen.pfa,
        "benign_scans": chosen.scans,
        "true_rate_range": [chosen.low, chosen.high],
        "thresholds": dict(
            zip(chosen.card.classes, chosen.card.thresholds[chosen.pfa].tolist(), strict=True)
        ),
        "alarm_all_the_same": list(chosen.above),
        "duplicates": list(scored.duplicates),
        "not_judged": [{"path": item.path, "reason": item.reason} for item in scored.not_judged],
    }
