"""Latency of screening, from decoded array to report entry, beside a plain PIL + ONNX Runtime pipeline.

Both run the same model with two threads on the same scans, in turn, in the same process. The plain one
does what a user would write in ten lines: resize with white borders, run, sigmoid, arg-max of the map; of a
detector it takes the boxes as they come.

    python benchmarks/screening.py                       # the shipped model, synthetic bags
    python benchmarks/screening.py --model FILE --json
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from beltline.core import Scan
from beltline.screening import TASKS, ScreeningModel, find_weights, load_model, screen_scan
from beltline.screening.tasks.classification import probabilities

WIDTH, HEIGHT = 1000, 700


def bag(rng: np.random.Generator) -> NDArray[np.uint8]:
    """A picture with the statistics that matter for time: a bag with air around it, many edges, 8 bit."""
    coarse = rng.integers(60, 250, (14, 20, 3)).astype(np.uint8)
    content = np.asarray(Image.fromarray(coarse).resize((880, 600), Image.Resampling.BICUBIC)).astype(
        np.int16
    )
    content += rng.normal(0, 6, content.shape).astype(np.int16)
    picture = np.full((HEIGHT, WIDTH, 3), 250, dtype=np.uint8)
    picture[50:650, 60:940] = content.clip(0, 255)
    return picture


def plain_pipeline(session: Any, picture: NDArray[np.uint8], card: Any) -> dict[str, float]:
    """What a user writes without Beltline; milliseconds by step."""
    start = time.perf_counter()
    image = Image.fromarray(picture)
    image.thumbnail((card.long_side, card.long_side), Image.Resampling.BILINEAR)
    side = [-(-n // 32) * 32 for n in image.size]
    canvas = Image.new("RGB", (side[0], side[1]), "white")
    canvas.paste(image, ((side[0] - image.width) // 2, (side[1] - image.height) // 2))
    tensor = np.asarray(canvas, dtype=np.float32).transpose(2, 0, 1)[None] / 255
    prepared = time.perf_counter()
    answer = session.run(
        list(TASKS[card.task].graphs["model"].outputs), {"image": np.ascontiguousarray(tensor)}
    )
    ran = time.perf_counter()
    if card.task == "classification":
        probabilities(card, answer[0][0])
        [np.unravel_index(int(cam.argmax()), cam.shape) for cam in answer[1][0]]
    done = time.perf_counter()
    return {
        "prepare": 1000 * (prepared - start),
        "model": 1000 * (ran - prepared),
        "localise": 1000 * (done - ran),
        "total": 1000 * (done - start),
    }


def plain_session(weights: bytes) -> Any:
    """The same model, two threads, ONNX Runtime's defaults otherwise."""
    from beltline.screening.runtime import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 2
    return ort.InferenceSession(weights, options, providers=["CPUExecutionProvider"])


def measure(model: ScreeningModel, session: Any, count: int, seed: int) -> dict[str, dict[str, list[float]]]:
    """Times of both pipelines over ``count`` scans, in turn."""
    rng = np.random.default_rng(seed)
    pfa = next(iter(model.card.thresholds))
    times: dict[str, dict[str, list[float]]] = {"beltline": {}, "plain": {}}
    for index in range(count + 5):
        picture = bag(rng)
        scan = Scan(picture.transpose(2, 0, 1).astype(np.float32) / 255, "color", ("r", "g", "b"))
        ours = dict(screen_scan(scan, model, pfa=pfa, deadline_ms=60_000).report.ms)
        plain = plain_pipeline(session, picture, model.card)
        if index < 5:  # warm-up
            continue
        for name, steps in (("beltline", ours), ("plain", plain)):
            for step, value in steps.items():
                times[name].setdefault(step, []).append(value)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default=None, help="name or ONNX file; the shipped model if left out")
    parser.add_argument("--scans", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    weights = find_weights(options.model, trust=True)
    model = load_model(options.model, trust=True)
    times = measure(model, plain_session(weights.payload), options.scans, options.seed)
    table = {
        name: {
            step: {"median": round(float(np.median(v)), 2), "p95": round(float(np.percentile(v, 95)), 2)}
            for step, v in steps.items()
            if step != "read"
        }
        for name, steps in times.items()
    }
    if options.json:
        print(
            json.dumps(
                {"model": model.card.name, "sha256": model.sha256, "scans": options.scans, "ms": table}
            )
        )
        return
    print(f"{model.card.name}, {options.scans} scans of {WIDTH}x{HEIGHT}, 2 threads, {platform.processor()}")
    print(f"{'ms':10}{'beltline':>18}{'plain':>18}   (median / p95)")
    for step in ("prepare", "model", "localise", "total"):
        cells = "".join(f"{t[step]['median']:>9.1f} /{t[step]['p95']:>7.1f}" for t in table.values())
        print(f"{step:10}{cells}")


if __name__ == "__main__":
    main()
