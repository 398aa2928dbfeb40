"""Folded garments: shirt, T-shirt, trousers, sweater, dress, skirt."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, count, draw, pick
from beltline.simulate.items._build import benign
from beltline.simulate.items._fabric import (
    Fabric,
    button,
    fabric,
    folded,
    loop_cord,
    ribbon,
    rivet,
    seam,
    sheet,
    slab,
    wavy,
    zip_chain,
)
from beltline.simulate.shapes import Array, box, cylinder, in_plane, prism, rounded_rectangle, spline, tube
from beltline.simulate.solids import Item, ItemMaker, Part


def make_shirt(rng: Rng) -> Item:
    """Folded shirt: body, sleeves folded behind, collar band, button row, sometimes card and pins."""
    x, y, thick = draw(rng, 240, 340), draw(rng, 190, 270), draw(rng, 9, 26)
    cloth = fabric(rng, "cloth", "layers", materials=("cotton", "cotton", "polyester", "fabric_blend"))
    parts = folded(rng, cloth, x, y, thick, layers=count(rng, 3, 5))
    parts += _collar(rng, cloth, x, thick)
    parts.append(cloth.plain(ribbon(in_plane([(-x / 2, 0), (0, 1), (x / 2 - 30, 0)], thick + 2), 32, 2.2)))
    radius, gap = draw(rng, 4.2, 6.2), draw(rng, 55, 85)
    rows = np.arange(-x / 2 + 20, x / 2 - 30, gap)
    parts += [button(rng, float(v), draw(rng, -2, 2), thick + 4, radius=radius) for v in rows]
    packed = chance(rng, 0.2)
    if packed:
        parts += _shirt_card(rng, x, y)
    return benign("shirt", parts, soft=0.5, design="packed" if packed else "folded", size_mm=[x, y, thick])


def _collar(rng: Rng, cloth: Fabric, x: float, z: float) -> list[Part]:
    reach, bend = draw(rng, 55, 80), draw(rng, 18, 40)
    points = [(x / 2 - 2 * bend, -reach), (x / 2 - bend, -reach * 0.7), (x / 2 - 8, 0)]
    path = spline([*points, *[(px, -py) for px, py in reversed(points[:2])]], 18)
    band = cloth.plain(ribbon(in_plane(path, z + 3), draw(rng, 30, 48), draw(rng, 2.5, 5)))
    stays = []
    if chance(rng, 0.5):
        stay = prism(rounded_rectangle(58, 9, 4), 0.9)
        metal = pick(rng, "pet", "ss", "brass")
        stays = [
            Part(stay.rotated("z", s * 55).moved(x / 2 - 1.6 * bend, s * reach * 0.7, z + 6), metal)
            for s in (-1, 1)
        ]
    return [band, *stays]


def _shirt_card(rng: Rng, x: float, y: float) -> list[Part]:
    parts = [Part(box(x * 0.85, y * 0.8, 0.6), "paper", 1, 0.8)]
    for _ in range(count(rng, 2, 6)):
        a = np.array([draw(rng, -x / 2.3, x / 2.3), draw(rng, -y / 2.3, y / 2.3), 6.0])
        turn = draw(rng, 0, np.pi)
        b = a + np.array([28 * np.cos(turn), 28 * np.sin(turn), 0.0])
        parts.append(Part(tube(np.array([a, b]), 0.4, segments=5), "fe"))
    return parts


def make_t_shirt(rng: Rng) -> Item:
    """Folded T-shirt or polo: few layers, neck rib, small print."""
    x, y, thick = draw(rng, 200, 320), draw(rng, 160, 280), draw(rng, 6, 20)
    cloth = fabric(rng, "cloth", "cloth", "layers", "knit", materials=("cotton", "cotton", "polyester"))
    parts = folded(rng, cloth, x, y, thick, layers=count(rng, 2, 5))
    neck = spline(
        [(x / 2 - 10, -60), (x / 2 - 45, -30), (x / 2 - 55, 0), (x / 2 - 45, 30), (x / 2 - 10, 60)], 16
    )
    parts.append(cloth.plain(ribbon(in_plane(neck, thick + 1), draw(rng, 14, 24), draw(rng, 1.6, 3))))
    polo = chance(rng, 0.35)
    if polo:
        parts += [button(rng, x / 2 - 60 - 28 * k, 3, thick + 3) for k in range(count(rng, 2, 3))]
    elif chance(rng, 0.4):
        print_mesh = slab(sheet(rng, x * 0.4, y * 0.4), 0.35, z=thick)
        parts.append(Part(print_mesh, "pvc", 1, 1.3))
    return benign("t_shirt", parts, soft=0.5, design="polo" if polo else "round", size_mm=[x, y, thick])


def make_trousers(rng: Rng) -> Item:
    """Jeans (denim, rivets, metal zip and button), chinos or track bottoms, folded in three to five."""
    design = pick(rng, "jeans", "jeans", "chinos", "track")
    x, y, thick = draw(rng, 260, 420), draw(rng, 170, 240), draw(rng, 18, 48)
    cloth = fabric(rng, "cloth", "layers", materials=("cotton", "fabric_blend"), density=(0.25, 0.45))
    parts = folded(rng, cloth, x, y, thick, layers=count(rng, 3, 6))
    for side in (-1, 1):
        start, stop = (
            (-x / 2, side * y * draw(rng, 0.1, 0.46), thick),
            (x / 2, side * y * draw(rng, 0.1, 0.46), thick),
        )
        parts.append(seam(rng, cloth, start, stop, width=8))
    edge = x / 2 - draw(rng, 18, 30)
    parts.append(
        cloth.plain(
            ribbon(in_plane([(edge, -y / 2 + 4), (edge + 4, 0), (edge, y / 2 - 4)], thick + 2), 38, 4)
        )
    )
    if design == "track":
        parts += loop_cord(rng, edge - 30, 0, thick + 4, 50)
    else:
        parts += _waist(rng, cloth, edge, y, thick, rivets=design == "jeans")
    return benign("trousers", parts, soft=0.45, design=design, size_mm=[x, y, thick])


def _waist(rng: Rng, cloth: Fabric, edge: float, y: float, z: float, *, rivets: bool) -> list[Part]:
    fly = draw(rng, 0, 1) * y * 0.2
    parts = zip_chain(
        rng,
        in_plane(
            spline([(edge - 12, fly), (edge - 70, fly + 4), (edge - draw(rng, 110, 160), fly + 16)], 8), z + 4
        ),
    )
    if rivets:
        radius = draw(rng, 7.5, 9)
        parts.append(
            Part(cylinder(radius, 2.6, segments=16).moved(edge, fly, z + 6), pick(rng, "brass", "zn", "cu"))
        )
        spots = [(edge - 22, s * y * f) for s in (-1, 1) for f in (0.18, 0.42)]
        parts += [rivet(rng, px + draw(rng, -6, 6), py + draw(rng, -5, 5), z + 5) for px, py in spots]
    else:
        parts.append(button(rng, edge, fly, z + 5, radius=8))
        parts.append(Part(box(14, 10, 1.2).moved(edge, -fly - 12, z + 5), "ss"))
    for py in (-0.45, -0.2, 0.2, 0.45):
        parts.append(cloth.plain(box(46, 9, 2.2).moved(edge, py * y, z + 6)))
    pocket = cloth.part(slab(sheet(rng, 140, y * 0.35), 1.6, z=z), rng)
    return [*parts, pocket]


def make_sweater(rng: Rng) -> Item:
    """Knitted sweater or cardigan, thick and light, ribbed hems."""
    x, y, thick = draw(rng, 260, 380), draw(rng, 220, 320), draw(rng, 25, 70)
    cloth = fabric(
        rng, "knit", "knit", "rib", materials=("wool", "wool", "cotton", "polyester"), density=(0.12, 0.28)
    )
    parts = folded(rng, cloth, x, y, thick, layers=count(rng, 3, 5))
    for px in (-x / 2 + 22, x / 2 - 22):
        hem = ribbon(
            in_plane([(px, -y / 2 + 8), (px + draw(rng, -6, 6), 0), (px, y / 2 - 8)], thick),
            draw(rng, 30, 60),
            5,
        )
        parts.append(cloth.part(hem, rng))
    cardigan = chance(rng, 0.35)
    if cardigan:
        parts += [
            button(rng, float(v), 0, thick + 3, radius=9)
            for v in np.arange(-x / 2 + 30, x / 2 - 30, draw(rng, 50, 80))
        ]
    elif chance(rng, 0.25):
        parts += zip_chain(rng, in_plane([(x / 2 - 10, 0), (x / 2 - 80, 3), (x / 2 - 150, 0)], thick + 3))
    return benign(
        "sweater", parts, soft=0.6, design="cardigan" if cardigan else "pullover", size_mm=[x, y, thick]
    )


def make_dress(rng: Rng) -> Item:
    """Light dress or skirt: long fold flaps, side zip, beads or sequins, hook."""
    design = pick(rng, "plain", "zip", "beaded", "pleated")
    x, y, thick = draw(rng, 260, 460), draw(rng, 160, 300), draw(rng, 8, 28)
    cloth = fabric(
        rng, "pleats" if design == "pleated" else "cloth", amplitude=(0.55, 1.0), density=(0.15, 0.32)
    )
    parts = folded(rng, cloth, x, y, thick, layers=count(rng, 3, 6))
    if design == "zip":
        path = spline([(-x * 0.3, -10), (0, 12), (x * 0.35, -4)], 10)
        parts += zip_chain(rng, in_plane(path, thick + 2), pitch=3.2)
    if design == "beaded":
        parts += _beads(rng, x, y, thick)
    for side in (-1, 1):
        points = [(x * 0.3, side * 20), (x * 0.42, side * draw(rng, 30, 60)), (x * 0.5, side * 25)]
        parts.append(cloth.plain(ribbon(in_plane(spline(points, 10), thick + 3), draw(rng, 8, 30), 1.6)))
    return benign("dress", parts, soft=0.5, design=design, size_mm=[x, y, thick])


def _beads(rng: Rng, x: float, y: float, z: float) -> list[Part]:
    spots: Array = rng.uniform(-0.5, 0.5, (count(rng, 15, 45), 2)) * [x * 0.5, y * 0.7]
    material = pick(rng, "glass", "pmma", "al")
    bead = cylinder(draw(rng, 1.2, 3), draw(rng, 0.8, 2.5), segments=6)
    return [Part(bead.moved(float(px), float(py), z + 3), material) for px, py in spots]


def make_skirt(rng: Rng) -> Item:
    """Skirt or shorts laid flat: trapezoid of two layers with waistband."""
    waist, hem, length = draw(rng, 280, 360), draw(rng, 330, 480), draw(rng, 250, 420)
    thick = draw(rng, 5, 16)
    cloth = fabric(rng, "cloth", "pleats", "layers")
    outline = wavy(
        rng,
        [(-length / 2, -hem / 2), (length / 2, -waist / 2), (length / 2, waist / 2), (-length / 2, hem / 2)],
        4,
    )
    parts = [
        cloth.part(slab(outline, thick / 2), rng),
        cloth.part(slab(outline * 0.97, thick / 2, z=thick / 2), rng),
    ]
    parts.append(cloth.plain(box(32, waist * 0.97, 3).moved(length / 2 - 16, 0, thick + 1)))
    if chance(rng, 0.6):
        parts += zip_chain(
            rng, in_plane([(length / 2 - 5, 20), (length / 2 - 90, 22), (length / 2 - 170, 20)], thick + 2)
        )
    return benign("skirt", parts, soft=0.5, design="flat", size_mm=[length, hem, thick])


FAMILIES: dict[str, ItemMaker] = {
    "shirt": make_shirt,
    "t_shirt": make_t_shirt,
    "trousers": make_trousers,
    "sweater": make_sweater,
    "dress": make_dress,
    "skirt": make_skirt,
}
