"""Speed and memory of the bag simulator, and its raster beside trimesh with embreex, in one run.

    python benchmarks/simulator.py [--bags 10] [--workers 1,2]

One thread unless said otherwise. Times vary between machines and hours; the ratios hold better.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np

from beltline.physics import transmit_supersampled
from beltline.simulate import (
    BagRecipe,
    Scanner,
    SetPlan,
    draw_scene,
    preview,
    scan_scene,
    simulate_bag,
    simulate_set,
)
from beltline.simulate.bags import family_facts
from beltline.simulate.library import bake_library, compose
from beltline.simulate.photograph import draw_look, photograph
from beltline.simulate.raster import Beam, Window, add_path_length
from beltline.simulate.shapes import ellipsoid, torus

FULL = BagRecipe(items=(24, 28), garments=(7, 9), neighbour=0.0, sparse=0.0)


def timed(action: Callable[[int], object], repeats: int) -> list[float]:
    """Seconds of each call."""
    out = []
    for i in range(repeats):
        start = time.perf_counter()
        action(i)
        out.append(time.perf_counter() - start)
    return out


def fresh(bags: int) -> dict[str, float]:
    """Full bags at 0.8 mm drawn, packed, scanned, labelled and coloured."""
    simulate_bag(0, recipe=FULL)
    seconds = timed(lambda i: simulate_bag(100 + i, recipe=FULL), bags)
    steps: dict[str, list[float]] = {"draw and pack": [], "scan": [], "detect and colour": []}
    objects = []
    for i in range(min(bags, 5)):
        start = time.perf_counter()
        scene = draw_scene(100 + i, FULL)
        packed = time.perf_counter()
        view = scan_scene(scene, Scanner())[0]
        scanned = time.perf_counter()
        rng = np.random.default_rng(0)
        photograph(view.low, view.high, draw_look(rng, "any"), rng)
        steps["draw and pack"].append(packed - start)
        steps["scan"].append(scanned - packed)
        steps["detect and colour"].append(time.perf_counter() - scanned)
        objects.append(len(scene.placed))
    parts = {f"{k} ms": round(1e3 * float(np.median(v))) for k, v in steps.items()}
    return {
        "bags a second": round(1 / float(np.median(seconds)), 2),
        "objects": float(np.median(objects)),
        **parts,
    }


def cached(bags: int) -> dict[str, float]:
    """Bags composed from a baked library at 0.8 mm, coloured."""
    with tempfile.TemporaryDirectory() as folder:
        library = bake_library(Path(folder), seed=0, split="train", pixel_mm=0.8, each=1, threats_each=1)

        def one(i: int) -> None:
            rng = np.random.default_rng(i)
            bag = compose(rng, library, FULL)
            low, high = transmit_supersampled(bag.basis, factor=1)
            photograph(low, high, draw_look(rng, "any"), rng)

        one(0)
        seconds = timed(one, bags)
    return {"bags a second": round(1 / float(np.median(seconds)), 2)}


def workers(counts: list[int], bags: int) -> dict[str, float]:
    """Bags a second of `simulate_set` with several processes, start-up included."""
    table = {}
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            plan = SetPlan(bags * count, seed=1, recipe=FULL)
            start = time.perf_counter()
            simulate_set(Path(folder) / "set", plan, workers=count)
            table[f"{count} workers, bags a second"] = round(bags * count / (time.perf_counter() - start), 2)
    return table


def beside_embree() -> dict[str, float]:
    """The same thickness image by our raster and by multi-hit ray tracing (trimesh + embreex)."""
    try:
        import embreex  # noqa: F401
        import trimesh
    except ImportError:
        return {}
    table = {}
    for name, mesh in {
        "sphere, 20k triangles": ellipsoid(60, 60, 60, segments=142),
        "torus, 6k triangles": torus(60, 15, segments=100, tube_segments=30).rotated("x", 40),
    }.items():
        beam = Beam(0.8, None)
        window = Window.around(beam.project(mesh.vertices))
        ours = np.zeros((window.height, window.width))

        def raster(_: int, mesh=mesh, beam=beam, window=window, ours=ours) -> None:  # type: ignore[no-untyped-def]
            ours[:] = 0
            add_path_length(ours, mesh.vertices, mesh.faces, beam, window)

        body = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
        x, y = np.meshgrid(
            (np.arange(window.width) + window.col + 0.5) * 0.8,
            (np.arange(window.height) + window.row + 0.5) * 0.8,
        )
        origins = np.stack([x, y, np.full_like(x, 500.0)], -1).reshape(-1, 3)
        down = np.tile([0.0, 0.0, -1.0], (len(origins), 1))
        theirs = np.zeros(len(origins))

        def trace(_: int, body=body, origins=origins, down=down, theirs=theirs) -> None:  # type: ignore[no-untyped-def]
            theirs[:] = 0
            points, ray, triangle = body.ray.intersects_location(origins, down, multiple_hits=True)
            leaving = np.sign(body.face_normals[triangle][:, 2])  # +1 faces the source: the ray enters
            np.add.at(theirs, ray, points[:, 2] * leaving)

        raster(0)
        trace(0)
        ratio = [t / r for t, r in zip(timed(trace, 5), timed(raster, 5), strict=True)]
        table[f"{name}: embreex takes times"] = round(float(np.median(ratio)), 1)
        table[f"{name}: median difference mm"] = float(np.median(np.abs(theirs.reshape(ours.shape) - ours)))
    return table


def main() -> None:
    """Print every figure as one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bags", type=int, default=10)
    parser.add_argument("--workers", default="1,2")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    start = time.perf_counter()
    family_facts()
    out: dict[str, object] = {"first use (every family once) s": round(time.perf_counter() - start, 2)}
    preview(0)
    out["preview ms"] = round(1e3 * float(np.median(timed(preview, 15))), 1)
    out["fresh"] = fresh(arguments.bags)
    out["peak memory MB"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    out["from a library"] = cached(arguments.bags)
    out["raster"] = beside_embree()
    out["scaling"] = workers([int(n) for n in arguments.workers.split(",")], arguments.bags)
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
