"""Speed of projection beside a NumPy one-liner and OpenCV's blending, on the same bags in the same run.

python benchmarks/tip.py                 # 800x600, one thread
python benchmarks/tip.py --seconds 5
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import time
from collections.abc import Callable

import cv2
import numpy as np

from beltline.physics import Detector, basis_vector, colorize, detect, dual_energy_transmission
from beltline.synthesis.fuser import poisson, product
from beltline.synthesis.laying import laid, noises_of
from beltline.synthesis.placement import Wish, find_place, ground_of, place_at, turned
from beltline.synthesis.threat import Threat
from beltline.synthesis.tip import project
from beltline.synthesis.tip_color import project_color

HEIGHT, WIDTH = 600, 800
ITEM = (140, 220)
CORNER = (230, 300)


def scene() -> tuple[np.ndarray, np.ndarray]:
    """(6, 600, 800) and (6, 140, 220) basis maps of a bag of boxes and an item of steel."""
    rng = np.random.default_rng(0)
    bag = np.zeros((6, HEIGHT, WIDTH), np.float32)
    for material, most in (("cotton", 60.0), ("pe", 15.0), ("al", 4.0), ("fe", 1.5)):
        for _ in range(8):
            top, left = rng.integers(40, 400), rng.integers(60, 500)
            window = np.s_[:, top : top + rng.integers(40, 160), left : left + rng.integers(40, 240)]
            bag[window] += basis_vector(material)[:, None, None] * rng.uniform(0.2, 1) * most
    item = np.zeros((6, *ITEM), np.float32)
    item[:, 20:120, 20:200] = basis_vector("fe")[:, None, None] * 1.5
    return bag, item


def measured(basis: np.ndarray, seed: int) -> np.ndarray:
    return np.stack(detect(*dual_energy_transmission(basis), Detector(), np.random.default_rng(seed)))


def rate(run: Callable[[], object], seconds: float) -> tuple[float, int]:
    """Runs a second (best of three rounds) and how many were timed."""
    run()
    rates, count = [], 0
    for _ in range(3):
        done, start = 0, time.process_time()
        while time.process_time() - start < seconds / 3:
            run()
            done += 1
        rates.append(done / (time.process_time() - start))
        count += done
    return max(rates), count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU time for each row")
    seconds = parser.parse_args().seconds
    cv2.setNumThreads(1)
    basis, item_basis = scene()
    dual, item = measured(basis, 0), measured(item_basis, 1)
    mask = np.zeros(ITEM, np.float32)
    mask[20:120, 20:200] = 1
    threat = Threat(np.where(mask > 0, item, 1), mask, "dual", "knife", "a")
    lone = Threat(item_basis, mask, "basis", "knife", "a")
    rng = np.random.default_rng(0)
    ground, noises = ground_of(dual, "dual"), noises_of(dual, "dual")
    place = place_at(ground, threat, CORNER)
    rgb, item_rgb = colorize(*dual), np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    whole, whole_mask = np.ones_like(dual), np.zeros((HEIGHT, WIDTH), np.float32)
    there = np.s_[CORNER[0] : CORNER[0] + ITEM[0], CORNER[1] : CORNER[1] + ITEM[1]]
    whole[(slice(None), *there)], whole_mask[there] = threat.pixels, mask
    item_rgb[there] = colorize(*threat.pixels)

    def everything(*, hardened: bool) -> object:
        drawn = turned(threat, scale=1.0, degrees=float(rng.uniform(0, 360)))
        found = find_place(ground, drawn, Wish((0, 1), (0, 1)), rng)
        return laid(dual, drawn, found or place, rng, noises=noises, hardening=hardened)

    rows: list[tuple[str, Callable[[], object]]] = [
        ("transmission, laid", lambda: project(dual, threat, CORNER)),
        ("  with noise", lambda: laid(dual, threat, place, rng, noises=noises, hardening=False)),
        ("  with noise and beam hardening", lambda: laid(dual, threat, place, rng, noises=noises)),
        ("  turned, placed, with noise", lambda: everything(hardened=False)),
        ("  turned, placed, with noise and hardening", lambda: everything(hardened=True)),
        ("basis maps", lambda: project(basis, lone, CORNER)),
        ("colour by way of energies, whole picture", lambda: project_color(rgb, item_rgb, whole_mask)),
        ("NumPy one-liner: bag * item", lambda: dual * whole),
        ("NumPy: product of colours, whole picture", lambda: product(rgb, item_rgb, whole_mask)),
        ("OpenCV addWeighted, colours", lambda: cv2.addWeighted(rgb, 0.5, item_rgb, 0.5, 0)),
        ("OpenCV seamlessClone, colours", lambda: poisson(rgb, item_rgb, whole_mask)),
    ]
    print(f"{WIDTH}x{HEIGHT}, one thread, CPU time; numpy {np.__version__}, OpenCV {cv2.__version__}")
    print(f"{'':44s}{'a second':>10s}{'ms':>9s}{'timed':>7s}")
    for name, run in rows:
        found, count = rate(run, seconds)
        print(f"{name:44s}{found:10.1f}{1000 / found:9.2f}{count:7d}")


if __name__ == "__main__":
    main()
