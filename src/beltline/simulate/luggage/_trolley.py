"""What hard and soft trolley cases share: size, wheels, handles, linings and straps, screws."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, pick
from beltline.simulate.luggage._cloth import creases
from beltline.simulate.luggage._fittings import screws, side_release, strap_path, webbing, zip_line
from beltline.simulate.luggage._forms import plan_outline
from beltline.simulate.luggage._running import carry_handle, inline_wheel, spinner_wheel
from beltline.simulate.luggage.container import Container
from beltline.simulate.shapes import Array, box, cylinder, in_plane, merge
from beltline.simulate.solids import Part, Texture, moved, turned


def lining(rng: Rng, x: float, y: float, thickness: float) -> Part:
    """Creased lining cloth over a face, centred."""
    texture = Texture("crumple", int(rng.integers(2**31)), rng.uniform(0.5, 1.0), rng.uniform(50, 220))
    return Part(box(x, y, thickness), "polyester", 1, rng.uniform(0.3, 0.6), texture)


def draw_size(rng: Rng) -> Array:
    """Outer sides without wheels: cabin cases mostly, some larger."""
    if chance(rng, 0.72):
        return rng.uniform((460, 320, 185), (545, 395, 250))
    return rng.uniform((545, 370, 210), (680, 470, 300))


def wheels(rng: Rng, size: Array) -> tuple[list[Part], str]:
    """Four castors or two fixed wheels at the -x end."""
    seed = int(rng.integers(2**31))
    y, z = size[1] * rng.uniform(0.33, 0.42), size[2] * rng.uniform(0.26, 0.38)
    if chance(rng, 0.68):
        parts: list[Part] = []
        lead = rng.uniform(0, 360)
        for sy in (-1, 1):
            for sz in (-1, 1):
                swivel = rng.uniform(0, 360) if chance(rng, 0.5) else lead + rng.normal(0, 15)
                wheel = spinner_wheel(rng, seed, float(swivel))
                parts += moved(wheel, x=-size[0] / 2 - 4, y=sy * y, z=sz * z)
        return parts, "spinner"
    parts = []
    for side in (-1, 1):
        wheel = moved(inline_wheel(rng, seed), x=-size[0] / 2 + 16, y=side * y, z=-size[2] / 2 + 16)
        parts += wheel
    foot = cylinder(12, rng.uniform(14, 24), segments=10).rotated("y", 90)
    feet = [foot.moved(-size[0] / 2 - 6, s * y, size[2] / 2 - 26) for s in (-1, 1)]
    return [*parts, Part(merge(feet), pick(rng, "pp", "rubber", "abs"))], "inline"


def handles(rng: Rng, size: Array) -> list[Part]:
    """Carrying handles on one or two sides, perhaps on the wheel end too."""
    parts = moved(carry_handle(rng), y=size[1] / 2, z=rng.normal(0, 12), x=rng.normal(0, 12))
    if chance(rng, 0.8):
        parts += moved(turned(carry_handle(rng), "z", -90), x=size[0] / 2, z=rng.uniform(-0.1, 0.2) * size[2])
    if chance(rng, 0.3):
        parts += moved(turned(carry_handle(rng), "z", 90), x=-size[0] / 2)
    return parts


def inside(rng: Rng, inner: Array) -> list[Part]:
    """Linings, compression straps with buckle, divider with its zip, pockets."""
    x, y, z = inner
    low, high = -z / 2 + 1.5, z / 2 - 1.5
    parts = [*moved([lining(rng, x * 0.97, y * 0.96, rng.uniform(3, 8))], z=low)]
    parts += moved([lining(rng, x * 0.97, y * 0.96, rng.uniform(3, 8))], z=high)
    parts += creases(rng, np.array([x, y]) * 0.47, z - 6, "polyester", most=26)
    if chance(rng, 0.7):
        width, level = rng.uniform(22, 40), rng.uniform(-0.2, 0.3) * z
        crossed = chance(rng, 0.5)
        for sign in (-1, 1):
            ends = [(sign * x * 0.4, -y * 0.48, low), (0, 0, level), (-sign * x * 0.4, y * 0.48, low)]
            if not crossed:
                ends = [
                    (sign * x * 0.2, -y * 0.48, low),
                    (sign * x * 0.2, 0, level),
                    (sign * x * 0.2, y * 0.48, low),
                ]
            parts.append(webbing(rng, strap_path(rng, ends, 8), width))
        parts += moved(turned(side_release(rng, width), "z", rng.uniform(0, 180)), z=level)
    if chance(rng, 0.75):
        outline = plan_outline(x * 0.95, y * 0.94, 0.12 * y)
        level = rng.uniform(-0.1, 0.15) * z
        panel = Texture("cloth", int(rng.integers(2**31)), 0.35, 90.0)
        parts.append(Part(box(x * 0.94, y * 0.93, 0.7).moved(z=level), "polyester", 1, 0.4, panel))
        parts += zip_line(
            rng, in_plane(outline, level)[: int(rng.integers(14, 28))], style="coil", scale=0.6, pulls=2
        )
    for _ in range(int(rng.integers(0, 3))):
        course = (
            np.array([(-0.36 * x, 0, 0), (0.36 * x, 0, 0)])
            if chance(rng, 0.5)
            else np.array([(0, -0.4 * y, 0), (0, 0.4 * y, 0)])
        )
        spot = rng.uniform(-0.3, 0.3, 3) * inner * [1, 1, 0] + [0, 0, high - 4]
        parts += zip_line(
            rng, course * rng.uniform(0.5, 0.95) + spot * 0.5 + [0, 0, spot[2] * 0.5], scale=0.65
        )
    return parts


def loose_screws(rng: Rng, size: Array, z: float) -> list[Part]:
    """Screws of shell, rim and corner fittings, in mirrored groups."""
    spots = []
    for _ in range(int(rng.integers(2, 6))):
        a, b = rng.uniform(0.1, 0.47), rng.uniform(0.2, 0.47)
        side = rng.choice([-1.0, 1.0]) * size[2] * 0.45
        spots += [(sx * a * size[0], sy * b * size[1], side) for sx in (-1, 1) for sy in (-1, 1)]
    keep = [s for s in spots if chance(rng, 0.85)]
    parts = [Part(screws(keep or spots, rng.uniform(1.3, 2.2), rng.uniform(6, 14)), "fe")]
    across = [(x, s * size[1] * 0.485, z) for x in rng.uniform(-0.45, 0.45, 3) * size[0] for s in (-1, 1)]
    parts.append(Part(screws(across, 1.6, rng.uniform(8, 14), "y"), pick(rng, "fe", "al")))
    return parts


def packed(kind: str, rng: Rng, parts: list[Part], room: Array, size: Array, **params: object) -> Container:
    """Container with the free box above the rails' bulge, centred."""
    low = rng.uniform(10, 20)
    inner = room * [0.93, 0.93, 1.0] - [0, 0, low]
    parts = moved(parts, z=-low / 2)
    return Container(kind, tuple(parts), inner, {"size_mm": [round(float(v), 1) for v in size], **params})
