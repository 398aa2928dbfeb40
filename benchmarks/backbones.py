"""Training throughput and ONNX Runtime latency of small timm backbones on the CPU.

Each backbone is what a user would pick instead of the others for the starter classifier: last three stages,
a 1x1 head on each, random weights.

Example:
    python benchmarks/backbones.py --out backbones.txt --threads 2
"""

import argparse
import io
import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from beltline.models import ensure_torchvision_ops

ensure_torchvision_ops()
import timm  # noqa: E402

from beltline.screening.runtime import onnxruntime  # noqa: E402

BACKBONES: dict[str, tuple[str, dict[str, Any]]] = {
    "resnet18": ("resnet18", {}),
    "resnet18 w48": ("resnet18", {"channels": (48, 96, 192, 384)}),
    "resnet18 w32": ("resnet18", {"channels": (32, 64, 128, 256)}),
    "resnet14t": ("resnet14t", {}),
    "resnet10t": ("resnet10t", {}),
    "resnet10t w48": ("resnet10t", {"channels": (48, 96, 192, 384)}),
    "hgnetv2_b0": ("hgnetv2_b0", {}),
    "mobilenetv4_conv_small": ("mobilenetv4_conv_small", {}),
    "mobileone_s0": ("mobileone_s0", {}),
    "repvgg_a0": ("repvgg_a0", {}),
    "fastvit_t8": ("fastvit_t8", {}),
    "regnetx_004_tv": ("regnetx_004_tv", {}),
    "regnety_004": ("regnety_004", {}),
    "convnext_atto": ("convnext_atto", {}),
    "ese_vovnet19b_slim": ("ese_vovnet19b_slim", {}),
    "cspnext_tiny": ("cspnext_tiny", {}),
    "darknet17": ("darknet17", {}),
}


class ThreeHeads(nn.Module):
    """Backbone and one 1x1 classifier on each of its last three stages; logits are their mean."""

    def __init__(self, name: str, options: dict[str, Any], classes: int = 12) -> None:
        super().__init__()
        probe = timm.create_model(name, features_only=True, pretrained=False, **options)
        stages = len(probe.feature_info.channels())
        self.body = timm.create_model(
            name, features_only=True, out_indices=tuple(range(stages - 3, stages)), **options
        )
        self.heads = nn.ModuleList(nn.Conv2d(c, classes, 1) for c in self.body.feature_info.channels())

    def forward(self, image: Tensor) -> Tensor:
        """Logits (B, classes)."""
        maps = [head(x).mean((2, 3)) for head, x in zip(self.heads, self.body(image), strict=True)]
        return torch.stack(maps).mean(0)


def train_ms_per_image(model: nn.Module, *, batch: int, side: int, steps: int) -> float:
    """Median milliseconds an image of a bf16 channels_last training step."""
    model = model.train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    image = torch.rand(batch, 3, side, side).to(memory_format=torch.channels_last)
    target = torch.zeros(batch, 12)
    times = []
    for _ in range(steps + 1):
        start = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = nn.functional.binary_cross_entropy_with_logits(model(image).float(), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times[1:]) / batch


def onnx_ms(model: nn.Module, *, sizes: Sequence[tuple[int, int]], threads: int, repeats: int) -> list[float]:
    """Median milliseconds of one image in ONNX Runtime for each (height, width)."""
    if hasattr(model.body, "fuse"):
        model.body.fuse()
    buffer = io.BytesIO()
    torch.onnx.export(
        model.eval().float().to(memory_format=torch.contiguous_format),
        (torch.rand(1, 3, 320, 320),),
        buffer,
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes={"image": {2: "h", 3: "w"}},
        dynamo=False,
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(buffer.getvalue(), options, providers=["CPUExecutionProvider"])
    medians = []
    for height, width in sizes:
        image = np.random.default_rng(0).random((1, 3, height, width), dtype=np.float32)
        times = []
        for _ in range(repeats + 2):
            start = time.perf_counter()
            session.run(None, {"image": image})
            times.append(time.perf_counter() - start)
        medians.append(1000 * statistics.median(times[2:]))
    return medians


def main() -> None:
    """Print and write one line a backbone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("backbones.txt"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=list(BACKBONES))
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    lines = ["backbone                 params(M)  train ms/img  ORT 320x320  ORT 448x320   load"]
    for label in args.only:
        name, options = BACKBONES[label]
        torch.manual_seed(0)
        model = ThreeHeads(name, options)
        params = sum(p.numel() for p in model.parameters()) / 1e6
        train = train_ms_per_image(model, batch=args.batch, side=320, steps=args.steps)
        square, wide = onnx_ms(model, sizes=[(320, 320), (448, 320)], threads=args.threads, repeats=15)
        load = os.getloadavg()[0]
        lines.append(f"{label:24s} {params:9.2f} {train:13.1f} {square:12.1f} {wide:12.1f} {load:6.1f}")
        print(lines[-1], flush=True)
    args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
