"""Speed of the physics room beside what a user would write in NumPy, and its measured errors.

python benchmarks/physics.py speed      # one thread
python benchmarks/physics.py errors
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.physics import (
    CALIBRATION_Z,
    MATERIALS,
    STYLES,
    TUBES_KV,
    Detector,
    approximate_transmission_and_zeff,
    basis_matrix,
    basis_vector,
    bin_mu_per_mm,
    colorize,
    detect,
    dual_energy_transmission,
    effective_atomic_number,
    exact_transmission,
    guess_style,
    random_style,
    spectrum,
    transmit_supersampled,
)
from beltline.physics.basis import thickness_ladder_mm

FloatMap = NDArray[np.float32]

BAG = (("cotton", 60.0, 10), ("pe", 8.0, 10), ("pvc", 4.0, 4), ("al", 3.0, 5), ("fe", 2.0, 4), ("cu", 0.3, 6))


def bag_thickness(height: int, width: int, seed: int = 0) -> dict[str, FloatMap]:
    """Thickness maps in mm of overlapping boxes, the cotton finely textured; about a fifth is air."""
    rng = np.random.default_rng(seed)
    maps = {}
    for material, thickness, count in BAG:
        layer = np.zeros((height, width), np.float32)
        for _ in range(count):
            y, x = rng.integers(0, height - height // 5), rng.integers(0, width - width // 5)
            h, w = rng.integers(height // 20, height // 2), rng.integers(width // 20, width // 2)
            layer[y : y + h, x : x + w] += np.float32(thickness)
        if material == "cotton":
            noise = rng.standard_normal((height, width), dtype=np.float32)
            layer *= 1 + 0.7 * cv2.GaussianBlur(noise, (0, 0), 2.0)
        maps[material] = layer
    return maps


def basis_maps(thickness: dict[str, FloatMap]) -> FloatMap:
    return sum(basis_vector(m)[:, None, None] * t for m, t in thickness.items())  # type: ignore[return-value]


def dense_reference(thickness: dict[str, FloatMap], factor: int) -> tuple[FloatMap, FloatMap]:
    """The plain way: every bin, every material, every subpixel."""
    beam = spectrum()
    shape = next(iter(thickness.values())).shape
    low, high = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    curves = {m: bin_mu_per_mm(m).astype(np.float32) for m in thickness}
    for j in range(beam.low.size):
        depth = sum(curves[m][j] * t for m, t in thickness.items())
        passed = np.exp(-depth)
        low += np.float32(beam.low[j]) * passed
        high += np.float32(beam.high[j]) * passed
    split = (shape[0] // factor, factor, shape[1] // factor, factor)
    return low.reshape(split).mean(axis=(1, 3)), high.reshape(split).mean(axis=(1, 3))


def milliseconds(call: Callable[[], Any], repeats: int = 7) -> float:
    """Median time of a call in ms, after one that warms up."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e3)
    return float(np.median(times))


def report_speed() -> None:
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    thickness = bag_thickness(1400, 1700)
    basis = basis_maps(thickness)
    reference = milliseconds(lambda: dense_reference(thickness, 2), repeats=1)
    print(
        f"(6, 1400, 1700) -> 700 x 850 pixels, one thread, air {np.mean(basis[0] == 0):.0%} of the subpixels"
    )
    print(
        f"  transmit_supersampled             {milliseconds(lambda: transmit_supersampled(basis, 2)):7.1f} ms"
    )
    everything = milliseconds(lambda: transmit_supersampled(basis, 2, tolerance=0.0))
    print(f"  the same, every subpixel          {everything:7.1f} ms")
    print(f"  plain NumPy, 19 bins, 6 materials {reference:7.1f} ms")
    low, high = transmit_supersampled(basis, 2)
    detected = detect(low, high, Detector(), rng)
    zeff = effective_atomic_number(*detected, smoothing_sigma_px=0.8)
    image = colorize(*detected, "white", zeff)
    steps: dict[str, Callable[[], Any]] = {
        "detect": lambda: detect(low, high, Detector(), rng),
        "  real Poisson counts instead": lambda: rng.poisson(6e3 * low) + rng.poisson(7e3 * high),
        "effective_atomic_number": lambda: effective_atomic_number(*detected, smoothing_sigma_px=0.8),
        "colorize, Z known": lambda: colorize(*detected, "white", zeff),
        "approximate_transmission_and_zeff": lambda: approximate_transmission_and_zeff(image, "white"),
        "  edges left in": lambda: approximate_transmission_and_zeff(image, "white", edge_steps=0),
        "guess_style": lambda: guess_style(image),
        "random_style": lambda: random_style(rng),
    }
    for name, call in steps.items():
        print(f"  {name:<34}{milliseconds(call):7.1f} ms")


def basis_error(tube_kv: int) -> list[tuple[float, str]]:
    """Largest |error of lnT| down to T_low = 0.003, per material, worst first."""
    beam = spectrum(tube_kv)
    errors = []
    for name in MATERIALS:
        curve = bin_mu_per_mm(name)
        fitted = basis_matrix() @ basis_vector(name).astype(np.float64)
        ladder = thickness_ladder_mm(curve, steps=60)[:, None]
        exact, ours = np.exp(-ladder * curve), np.exp(-ladder * fitted)
        worst = max(np.abs(np.log(exact @ s) - np.log(ours @ s)).max() for s in (beam.low, beam.high))
        errors.append((float(worst), name))
    return sorted(errors, reverse=True)


def report_basis() -> None:
    for tube_kv in TUBES_KV:
        worst = basis_error(tube_kv)
        listed = ", ".join(f"{name} {value:.4f}" for value, name in worst[:3])
        print(f"basis, {tube_kv} kV, {len(worst)} materials: max |error lnT| {worst[0][0]:.4f} ({listed})")


def thickness_at(material: str, high: float) -> float:
    ladder = np.geomspace(1e-3, 3e3, 800)
    values = np.array([exact_transmission({material: t})[1] for t in ladder])
    return float(np.interp(-high, -values, ladder))


def report_zeff() -> None:
    levels = (0.9, 0.7, 0.5, 0.3, 0.1, 0.05)
    print("Z at high transmission " + " ".join(f"{v:6.2f}" for v in levels))
    names = [
        *CALIBRATION_Z,
        "pmma",
        "sheet_simulant",
        "marzipan",
        "glass",
        "pvc",
        "salt",
        "liion",
        "ss",
        "pb",
    ]
    for name in names:
        pairs = [exact_transmission({name: thickness_at(name, v)}) for v in levels]
        low, high = np.array(pairs, np.float32).T[:, None, :]
        numbers = effective_atomic_number(low.copy(), high.copy())[0]
        print(f"  {name:<20} " + " ".join(f"{z:6.2f}" for z in numbers))


def report_zeff_noise() -> None:
    rng = np.random.default_rng(0)
    print("sd of Z behind the default detector, without and with smoothing of 0.8 px")
    for name, thickness in (
        ("cotton", 10),
        ("cotton", 50),
        ("water", 10),
        ("water", 50),
        ("al", 1),
        ("fe", 2),
    ):
        basis = np.broadcast_to(basis_vector(name)[:, None, None] * np.float32(thickness), (6, 200, 200))
        noisy = detect(*dual_energy_transmission(basis.copy()), Detector(), rng)
        spread = [effective_atomic_number(*noisy, smoothing_sigma_px=s).std() for s in (0.0, 0.8)]
        print(f"  {name} {thickness} mm: {spread[0]:.2f}  {spread[1]:.2f}")


def report_round_trip() -> None:
    rng = np.random.default_rng(1)
    low, high = transmit_supersampled(basis_maps(bag_thickness(1400, 1700, seed=3)), 2)
    mean, told = (low + high) / 2, np.clip(effective_atomic_number(low, high), 6.55, 25)
    solid = mean < 0.95
    noisy = detect(low, high, Detector(), rng)
    print("round trip through colour, |error| median / 95 % of transmission and of Z (clipped to 6.55..25)")
    for name, style in STYLES.items():
        plain = replace(style, edge_limit=0.0, halo_limit=0.0)
        coded = cv2.imencode(".jpg", colorize(*noisy, style)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])[1]
        jpeg = np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1])
        cases = {
            "no edges drawn": (colorize(low, high, plain), plain, 6),
            "edges drawn, left in": (colorize(low, high, style), style, 0),
            "edges drawn, undone": (colorize(low, high, style), style, 6),
            "noise, JPEG 88": (jpeg, style, 6),
        }
        for case, (image, look, steps) in cases.items():
            found, number = approximate_transmission_and_zeff(image, look, edge_steps=steps)
            t = np.quantile(np.abs(found - mean)[solid], [0.5, 0.95])
            z = np.quantile(np.abs(number - told)[solid], [0.5, 0.95])
            print(f"  {name:<6}{case:<22} T {t[0]:.4f} / {t[1]:.4f}   Z {z[0]:.2f} / {z[1]:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("speed", "errors"))
    if parser.parse_args().what == "speed":
        report_speed()
        return
    report_basis()
    report_zeff()
    report_zeff_noise()
    report_round_trip()


if __name__ == "__main__":
    main()
