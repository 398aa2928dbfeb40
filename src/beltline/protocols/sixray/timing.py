"""What CHR costs beside its plain backbone: multiply-accumulates and paired time of one image."""

from __future__ import annotations

import statistics
from functools import partial

from beltline.models.chr import build_chr
from beltline.models.complexity import measure_complexity
from beltline.models.latency import interleaved_seconds, paired_ratio, torch_step
from beltline.protocols.simulated import PAPER_IMAGES
from beltline.protocols.sixray.plan import PAPER_NETS, Net, SixrayScale

PAPER_ADDED = 8.28 / 7.68 - 1  # ResNet-34 on a V100, milliseconds an image


def timing_table(scale: SixrayScale, *, repeats: int = 11) -> list[dict[str, str]]:
    """Added cost of CHR, released and light, for the backbones of the scale at its test size.

    A backbone that the paper names is measured as published, also where the scale trains a narrower one.
    """
    rows = []
    for name, net in timed_nets(scale).items():
        build = partial(build_chr, net.backbone, len(PAPER_IMAGES), backbone_options=net.options)
        models = {"plain": build(variant="plain"), "CHR": build(), "light": build(wiring="light")}
        side = scale.warp
        cost = {f: measure_complexity(model, height=side, width=side) for f, model in models.items()}
        steps = [torch_step(model.eval(), side) for model in models.values()]
        seconds = dict(zip(models, interleaved_seconds(steps, repeats), strict=True))
        row = {"backbone": name, "plain ms": f"{1000 * statistics.median(seconds['plain']):.1f}"}
        for form in ("CHR", "light"):
            row[f"added MACs, {form}"] = f"{100 * cost[form].added_macs(cost['plain']):+.1f} %"
            row[f"added time, {form}"] = str(paired_ratio(seconds[form], seconds["plain"]))
        row["paper"] = f"{100 * PAPER_ADDED:+.2f} %" if net.published == "ResNet34" else ""
        rows.append(row)
    return rows


def timed_nets(scale: SixrayScale) -> dict[str, Net]:
    """The ablation's backbone, and the published form of the others."""
    published = {net.published for net in scale.nets.values()}
    full = {name: net for name, net in PAPER_NETS.items() if net.published in published}
    return {scale.ablation: scale.nets[scale.ablation], **full}
