"""ONNX latency of the starter detector at 640 px beside the shipped classifier, in turn, two threads.

Times on a busy machine say little, the ratio within the same repetition holds. Without a file the detector's
weights are random; suppression of random boxes costs more than that of trained ones.

    python benchmarks/detector.py
    python benchmarks/detector.py --detector starter-detector.onnx --backbones
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from beltline.models.detection_small import SmallDetector
from beltline.models.latency import Step, interleaved_seconds, paired_ratio
from beltline.screening import find_weights, make_card
from beltline.systems.detector.export import OUTPUTS, export_detector
from beltline.systems.detector.recipe import DetectorRecipe

SIDE, CLASSIFIER_SIZE, CLASSES = 640, (320, 448), 12
BACKBONES: dict[str, dict[str, Any]] = {
    "resnet18": {"channels": (32, 64, 128, 256)},
    "mobilenetv4_conv_small": {},
    "resnet10t": {"channels": (32, 64, 128, 256)},
    "hgnetv2_b0": {},
}


def session_of(payload: bytes, threads: int) -> Any:
    """ONNX Runtime on the CPU."""
    from beltline.screening.runtime import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return ort.InferenceSession(payload, options, providers=["CPUExecutionProvider"])


def step_of(session: Any, outputs: list[str], size: tuple[int, int]) -> Step:
    """One image through a session."""
    image = np.random.default_rng(0).random((1, 3, *size), dtype=np.float32)
    return lambda: session.run(outputs, {"image": image})


def exported(backbone: str, options: dict[str, Any]) -> bytes:
    """The starter detector with random weights as an ONNX file."""
    torch.manual_seed(0)
    detector = SmallDetector(CLASSES, backbone=backbone, width=DetectorRecipe().width, **options)
    card = make_card(
        "bench",
        tuple(f"class {k}" for k in range(CLASSES)),
        SIDE,
        thresholds={"0.05": [0.5] * CLASSES},
        task="detection",
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "detector.onnx"
        export_detector(detector, path, card)
        return path.read_bytes()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--detector", type=Path, default=None, help="ONNX file; random weights if left out")
    parser.add_argument("--backbones", action="store_true", help="also other backbones")
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    one = {} if options.detector else dict(list(BACKBONES.items())[:1])
    chosen = BACKBONES if options.backbones else one
    files = {name: exported(name, extra) for name, extra in chosen.items()}
    if options.detector:
        files[options.detector.name] = options.detector.read_bytes()
    classifier = session_of(find_weights(None).payload, options.threads)
    steps = [step_of(classifier, ["logits", "cams"], CLASSIFIER_SIZE)]
    for payload in files.values():
        session = session_of(payload, options.threads)
        steps += [step_of(session, list(OUTPUTS), (SIDE, SIDE)), step_of(session, list(OUTPUTS), (448, SIDE))]
    seconds = interleaved_seconds(steps, options.repeats)
    rows = [{"model": "shipped classifier", "size": "320x448", "ms": 1000 * float(np.median(seconds[0]))}]
    for number, (name, payload) in enumerate(files.items()):
        for size, times in zip(("640x640", "448x640"), seconds[1 + 2 * number : 3 + 2 * number], strict=True):
            ratio = paired_ratio(times, seconds[0])
            rows.append(
                {
                    "model": name,
                    "size": size,
                    "ms": 1000 * float(np.median(times)),
                    "to_classifier": ratio.median,
                    "quartiles": [ratio.low, ratio.high],
                    "megabytes": len(payload) / 1e6,
                }
            )
    if options.json:
        print(json.dumps({"threads": options.threads, "repeats": options.repeats, "rows": rows}))
        return
    for row in rows:
        times = f"{row['ms']:8.1f} ms"
        if "to_classifier" in row:
            low, high = row["quartiles"]
            times += f"  {row['to_classifier']:.2f} times the classifier ({low:.2f} to {high:.2f})"
            times += f", {row['megabytes']:.1f} MB"
        print(f"{row['model']:26s} {row['size']:8s} {times}")


if __name__ == "__main__":
    main()
