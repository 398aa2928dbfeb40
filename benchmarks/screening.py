"""Latency of screening, from decoded array to report entry, beside a plain PIL + ONNX Runtime pipeline.

Both run the same model with two threads on the same scans, in turn, in the same process. The plain one
does what a user would write in ten lines: resize with white borders, run, sigmoid, arg-max of the map; of a
detector it takes the boxes as they come. Of several models each scan goes through all of them in turn; the
ratio to the first is the median over the scans.

    python benchmarks/screening.py                                   # the shipped model, synthetic bags
    python benchmarks/screening.py --model FILE --model NAME --json
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
WARM_UP = 5  # scans before the clock counts
Times = dict[str, dict[str, dict[str, list[float]]]]


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


def measure(models: dict[str, ScreeningModel], sessions: dict[str, Any], count: int, seed: int) -> Times:
    """Milliseconds of both pipelines by model, pipeline and step over ``count`` scans, in turn."""
    rng = np.random.default_rng(seed)
    times: Times = {name: {"beltline": {}, "plain": {}} for name in models}
    for index in range(count + WARM_UP):
        picture = bag(rng)
        scan = Scan(picture.transpose(2, 0, 1).astype(np.float32) / 255, "color", ("r", "g", "b"))
        for name, model in models.items():
            pfa = next(iter(model.card.thresholds))
            ours = dict(screen_scan(scan, model, pfa=pfa, deadline_ms=60_000).report.ms)
            plain = plain_pipeline(sessions[name], picture, model.card)
            if index >= WARM_UP:
                for pipeline, steps in (("beltline", ours), ("plain", plain)):
                    for step, value in steps.items():
                        times[name][pipeline].setdefault(step, []).append(value)
    return times


def summary(times: Times) -> dict[str, Any]:
    """Median and 95th percentile of each step, and each model's ratio to the first."""
    first = np.array(next(iter(times.values()))["beltline"]["total"])
    return {
        name: {
            "ratio": round(float(np.median(np.array(pipelines["beltline"]["total"]) / first)), 2),
            **{
                pipeline: {
                    step: {
                        "median": round(float(np.median(v)), 2),
                        "p95": round(float(np.percentile(v, 95)), 2),
                    }
                    for step, v in steps.items()
                    if step != "read"
                }
                for pipeline, steps in pipelines.items()
            },
        }
        for name, pipelines in times.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", action="append", help="name or ONNX file; the shipped model if left out")
    parser.add_argument("--scans", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    models, sessions = {}, {}
    for given in options.model or [None]:
        model = load_model(given, trust=True)
        models[model.card.name] = model
        sessions[model.card.name] = plain_session(find_weights(given, trust=True).payload)
    table = summary(measure(models, sessions, options.scans, options.seed))
    if options.json:
        print(json.dumps({"scans": options.scans, "ms": table}))
        return
    print(f"{options.scans} scans of {WIDTH}x{HEIGHT}, 2 threads, {platform.processor()}; median / p95 in ms")
    for name, row in table.items():
        print(f"\n{name:20}{'beltline':>18}{'plain':>18}   {row['ratio']:.2f} times the first")
        for step in ("prepare", "model", "localise", "total"):
            cells = (row[pipeline][step] for pipeline in ("beltline", "plain"))
            print(f"{step:20}" + "".join(f"{t['median']:>9.1f} /{t['p95']:>7.1f}" for t in cells))


if __name__ == "__main__":
    main()
