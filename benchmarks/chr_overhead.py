"""What CHR costs beside its plain backbone: MACs, parameters, and time of one image, in both wirings.

The paper reports 7.68 ms and 8.28 ms (7.81 % more) for ResNet-34 on a V100. Other machines have other
absolute times, so each repetition times the plain network, CHR and the light CHR in turn, and the ratios are
paired: a machine that is busy for a second slows all three. Random weights; times do not depend on them.

Example:
    python benchmarks/chr_overhead.py --only ResNet34 ResNet50 --repeats 30 --onnx
"""

import argparse
import io
import os
import platform
import statistics
import warnings
from typing import Any

import torch
from torch import nn

from beltline.models.backbones import BACKBONES
from beltline.models.chr import build_chr
from beltline.models.complexity import Complexity, measure_complexity
from beltline.models.latency import Step, interleaved_seconds, paired_ratio, torch_step

PAPER_PERCENT = 100 * (8.28 / 7.68 - 1)
CLASSES = 5
FORMS = ("plain", "CHR", "light")


def build_forms(name: str) -> dict[str, nn.Module]:
    """The plain network, CHR as released, and the light CHR."""
    return {
        "plain": build_chr(name, CLASSES, variant="plain").eval(),
        "CHR": build_chr(name, CLASSES).eval(),
        "light": build_chr(name, CLASSES, wiring="light").eval(),
    }


def onnx_step(model: nn.Module, side: int, threads: int) -> Step:
    """One image through ONNX Runtime on the CPU."""
    from beltline.screening.runtime import onnxruntime

    image = torch.rand(1, 3, side, side)
    buffer: Any = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter announces its successor
        torch.onnx.export(model, (image,), buffer, input_names=["image"], dynamo=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(buffer.getvalue(), options, providers=["CPUExecutionProvider"])
    feed = {"image": image.numpy()}
    return lambda: session.run(None, feed)


def table_row(name: str, *, side: int, repeats: int, threads: int, onnx: bool) -> str:
    """One row of the Markdown table."""
    models = build_forms(name)
    cost = {form: measure_complexity(model, height=side, width=side) for form, model in models.items()}
    if onnx:
        steps = [onnx_step(models[form], side, threads) for form in FORMS]
    else:
        steps = [torch_step(models[form], side) for form in FORMS]
    seconds = dict(zip(FORMS, interleaved_seconds(steps, repeats), strict=True))
    cells = [name, str(side), f"{cost['plain'].macs / 1e9:.2f}"]
    cells += [_added(cost[form], cost["plain"]) for form in FORMS[1:]]
    cells.append(f"{1000 * statistics.median(seconds['plain']):.1f}")
    cells += [str(paired_ratio(seconds[form], seconds["plain"])) for form in FORMS[1:]]
    return f"| {' | '.join(cells)} |"


def _added(cost: Complexity, base: Complexity) -> str:
    return f"{100 * cost.added_macs(base):+.1f} %, {(cost.params - base.params) / 1e6:+.2f} M"


def main() -> None:
    """Print the table, one row a backbone as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="*", default=list(BACKBONES), choices=list(BACKBONES), metavar="NAME")
    parser.add_argument("--side", type=int, help="image side; default: that of the ImageNet weights")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--onnx", action="store_true", help="ONNX Runtime instead of torch")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    engine = "ONNX Runtime" if args.onnx else f"torch {torch.__version__}"
    print(
        f"One image, fp32, {engine}, {platform.processor() or platform.machine()}, {args.threads} thread(s), "
        f"{args.repeats} interleaved repetitions; added time is the median ratio and its quartiles. "
        f"Paper: ResNet-34, V100, +{PAPER_PERCENT:.2f} %.\n"
    )
    titles = ["backbone", "side", "plain GMAC", "added MACs, parameters: CHR", "light"]
    titles += ["plain ms", "added time: CHR", "light"]
    print(f"| {' | '.join(titles)} |\n|{'---|' * len(titles)}", flush=True)
    for name in args.only:
        side = args.side or BACKBONES[name].input_size
        row = table_row(name, side=side, repeats=args.repeats, threads=args.threads, onnx=args.onnx)
        print(row, flush=True)
    print(f"\nLoad average at the end: {os.getloadavg()[0]:.1f}.")


if __name__ == "__main__":
    main()
