"""``beltline evaluate``: what a trained run is worth on a set."""

from pathlib import Path
from typing import Annotated, Any

import typer

from beltline.cli.context import JsonFlag, print_json


def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    data: Annotated[Path, typer.Option(help="Folder of shards, of lists, or with class folders.")],
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Choose probabilities and thresholds on this set instead.")
    ] = False,
    limit: Annotated[int, typer.Option(help="Number of scans; 0 for all.", min=0)] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Measure a trained run on a test set; after --calibrate on a validation set also at thresholds.

    Example: beltline evaluate run --data test-shards --json
    """
    from beltline.training.detection_run import calibrate_detector, evaluate_detector, is_detector_run
    from beltline.training.journal import without_nan
    from beltline.training.runs import calibrate_run, evaluate_run

    detector = is_detector_run(run)
    if detector:
        found = (calibrate_detector if calibrate else evaluate_detector)(run, data, limit=limit or None)
    else:
        found = (calibrate_run if calibrate else evaluate_run)(run, data, limit=limit or None)
    if as_json:
        print_json(without_nan(found))
    elif calibrate:
        box = "" if detector else f", box threshold {found['box_threshold']}"
        typer.echo(f"{run}: calibrated on {found['scans']} scans{box}")
    elif detector:
        typer.echo(_detector_table(found))
    else:
        typer.echo(_table(found))


def _detector_table(found: dict[str, Any]) -> str:
    rows = {**found["classes"], "mean": {"objects": found["objects"], **found["mean"]}}
    lines = [
        "class              objects     AP  recall  precision   (IoU 0.5; recall, precision at score 0.5)"
    ]
    for name, row in rows.items():
        ap, recall, precision = (f"{row[key]:.3f}" for key in ("ap", "recall", "precision"))
        lines.append(f"{name:18s} {row['objects']:>7}  {ap:>5}  {recall:>6}  {precision:>9}")
    lines += _scan_lines(found["classes"])
    lines.append("COCO " + ", ".join(f"{key} {value:.3f}" for key, value in found["coco"].items()))
    lines += [f"found at {rate} false alarms a scan: {share:.3f}" for rate, share in found["froc"].items()]
    for name, table in found["misses"].items():
        edges = zip(table["edges"], table["edges"][1:], table["missed"], table["objects"], strict=False)
        bins = "; ".join(f"{low:g} to {high:g}: {missed} of {n}" for low, high, missed, n in edges)
        lines.append(f"missed by {name}: {bins}; not known: {table['not_known']}")
    return "\n".join([*lines, *_whole_scan_lines(found)])


def _scan_lines(classes: dict[str, Any]) -> list[str]:
    lines = ["scans by the class's best box    AUC   PD@5% [95 % interval]    PFA"]
    for name, row in classes.items():
        scan = row["scan"]
        line = f"{name:18s} {scan['positives']:>7}      {scan['auc']:.3f}"
        if point := scan["operating_points"].get("0.05"):
            pd = point["pd"]
            line += f"   {pd['value']:.3f} [{pd['low']:.3f}, {pd['high']:.3f}]  {point['pfa']['value']:6.3f}"
        lines.append(line)
    return lines


def _whole_scan_lines(found: dict[str, Any]) -> list[str]:
    lines = []
    for rate, point in found.get("whole_scan", {}).items():
        pd, pfa = (point[key] for key in ("pd", "pfa"))
        lines.append(
            f"whole scan at {float(rate):.0%}: PD {pd['value']:.3f} [{pd['low']:.3f}, {pd['high']:.3f}], "
            f"PFA {pfa['value']:.3f} [{pfa['low']:.3f}, {pfa['high']:.3f}]"
        )
    return lines or ["For PD at fixed PFA run it with --calibrate on a validation set first."]


def _ranking_table(found: dict[str, Any]) -> str:
    rows = {**found["classes"], "mean": {"positives": found["scans"], **found["mean"]}}
    lines = ["class             positives    AP    AUC  pointing  15 px margin"]
    for name, row in rows.items():
        ranks = f"{row['ap']:.3f}  {row['auc']:.3f}"
        points = f"{row['pointing_strict']:8.3f}  {row['pointing']:12.3f}"
        lines.append(f"{name:18s} {row['positives']:8d}  {ranks}  {points}")
    return "\n".join([*lines, "For PD at fixed PFA run it with --calibrate on a validation set first."])


def _table(found: dict[str, Any]) -> str:
    if "classes" not in found:
        errors = ", ".join(f"{key.replace('_', ' ')} {found[key]:.3f}" for key in found if "error" in key)
        return f"{found['scans']} images: {errors}"
    if "whole_scan" not in found:
        return _ranking_table(found)
    lines = ["class             positives    AP    AUC  pointing  CorLoc   PD@5% [95 % interval]    PFA"]
    for name, row in found["classes"].items():
        point = row["operating_points"]["0.05"]
        pd, pfa = point["pd"], point["pfa"]
        lines.append(
            f"{name:18s} {row['positives']:8d}  {row['ap']:.3f}  {row['auc']:.3f}  {row['pointing']:8.3f}"
            f"  {row['corloc']:6.3f}   {pd[0]:.3f} [{pd[1]:.3f}, {pd[2]:.3f}]  {pfa[0]:6.3f}"
        )
    mean = found["mean"]
    lines.append(
        f"{'mean':18s} {found['scans']:8d}  {mean['ap']:.3f}  {mean['auc']:.3f}  {mean['pointing']:8.3f}"
        f"  {mean['corloc']:6.3f}   {mean['pd_at_pfa_0.05']:.3f}"
    )
    for pfa, point in found.get("whole_scan", {}).items():
        pd, out = point["pd"], point["pfa"]
        lines.append(
            f"whole scan at {float(pfa):.0%}: PD {pd[0]:.3f} [{pd[1]:.3f}, {pd[2]:.3f}], "
            f"PFA {out[0]:.3f} [{out[1]:.3f}, {out[2]:.3f}]"
        )
    return "\n".join(lines)
