"""Latency of a click on a scan of 1000x700, from the decoded array to the mask at its own size.

The first click pays for preparing the scan and two looks or more; the next one, which mends its mask, for
one look. Beside them in the same run, where torch is installed, what other ways of clicking cost with random
weights, which is all the same for time: the encoder and the decoder of SAM ViT-B (at 1024 pixels), and of a
network of MobileSAM's size, TinyViT-5M (its last stage at stride 32, MobileSAM's at 16) with SAM's decoder.
There the encoder runs once a scan and the decoder once a click.

    python benchmarks/click.py                        # the shipped click model
    python benchmarks/click.py --model FILE --scans 50 --json
    python benchmarks/click.py --rivals 0             # without the others
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np

from beltline.core import Scan
from beltline.metrics import centre_click, next_click
from beltline.screening import Clicker, load_clicker
from beltline.simulate import simulate_bag

WIDTH, HEIGHT, SIDE = 1000, 700, 1024
Times = dict[str, list[float]]


def scans(count: int, seed: int) -> Iterator[tuple[Scan, np.ndarray]]:
    """Simulated bags of the benchmark's size, each with the mask of one of its objects."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        bag = simulate_bag(seed + number)
        view, shot = bag.views[0], bag.photographs[0]
        seen = view.seen[int(rng.integers(len(view.seen)))]
        picture = cv2.resize(shot.rgb, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        truth = cv2.resize(seen.mask.astype(np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST) > 0
        if truth.any():
            pixels = np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32) / 255
            yield Scan(pixels, "color", ("r", "g", "b")), truth


def timed(times: Times, name: str, work: Callable[[], Any]) -> Any:
    started = time.perf_counter()
    result = work()
    times.setdefault(name, []).append(1000 * (time.perf_counter() - started))
    return result


def ours(clicker: Clicker, count: int, seed: int) -> Times:
    times: Times = {}
    for number, (scan, truth) in enumerate(scans(count + 3, seed)):
        spent: Times = times if number >= 3 else {}  # three to warm up
        first = centre_click(truth)
        mask = timed(spent, "beltline, first click", lambda s=scan, p=first: clicker.cut(s, [p]).mask)
        more = next_click(truth, mask, [first])
        if more is not None:
            points, labels = [first, more[:2]], [1, int(more.positive)]
            timed(
                spent,
                "beltline, next click",
                lambda s=scan, p=points, n=labels, m=mask: clicker.cut(s, p, n, mask=m).mask,
            )
    return times


def rivals(count: int) -> Times:
    """SAM ViT-B and a network of MobileSAM's size, by their parts."""
    import torch

    from beltline.models.sam import Sam
    from beltline.models.sam_encoder import VIT_B

    torch.set_num_threads(2)
    image, point, label = (
        torch.rand(1, 3, SIDE, SIDE),
        torch.full((1, 1, 2), SIDE / 2),
        torch.ones(1, 1).long(),
    )
    sam, tiny = Sam(VIT_B, SIDE).eval(), tiny_encoder()
    times: Times = {}
    with torch.inference_mode():
        embedding = sam.encode(image)
        tiny(image)
        for _ in range(count):
            timed(times, "SAM ViT-B, encoder", lambda: sam.encode(image))
            timed(times, "TinyViT-5M, encoder", lambda: tiny(image))
        for _ in range(10 * count):
            timed(times, "SAM's decoder, each click", lambda: sam.decode(embedding, point, label))
    return times


def tiny_encoder() -> Any:
    from beltline.models import ensure_torchvision_ops

    ensure_torchvision_ops()
    import timm

    return timm.create_model("tiny_vit_5m_224", pretrained=False, features_only=True).eval()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default=None, help="name or ONNX file; the shipped model if left out")
    parser.add_argument("--scans", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rivals", type=int, default=3, help="runs of the other encoders; 0 leaves them out")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    clicker = load_clicker(options.model, trust=True)
    times = ours(clicker, options.scans, options.seed)
    if options.rivals:
        times |= rivals(options.rivals)
    table = {
        name: {
            "p50": round(float(np.median(v)), 1),
            "p95": round(float(np.percentile(v, 95)), 1),
            "n": len(v),
        }
        for name, v in times.items()
    }
    card, sha256 = clicker.model.card, clicker.model.sha256
    if options.json:
        print(json.dumps({"model": card.name, "sha256": sha256, "size": [WIDTH, HEIGHT], "ms": table}))
        return
    print(f"{card.name} ({sha256[:12]}), scans of {WIDTH}x{HEIGHT}, 2 threads, ms")
    for name, row in table.items():
        print(f"{name:28} p50 {row['p50']:8.1f}   p95 {row['p95']:8.1f}   n {row['n']}")


if __name__ == "__main__":
    main()
