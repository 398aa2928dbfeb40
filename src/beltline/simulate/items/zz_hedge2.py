"""Basic everyday clutter."""

from __future__ import annotations

import numpy as np

from beltline.simulate.shapes import (
    Mesh, box, cylinder, ellipsoid, helix, merge, prism, revolve, rounded_box, rounded_rectangle, spline, superellipse, sweep, torus, tube,
)
from beltline.simulate.solids import Item, ItemMaker, Part, Texture

Rng = np.random.Generator


def _it(name: str, parts: list[Part], soft: float = 0.0, **params: object) -> Item:
    return Item(name, name, tuple(parts), False, params, soft)


def _boxes(rng: Rng, n: int, area: tuple[float, float], size: tuple[float, float], z: tuple[float, float]) -> Mesh:
    out = []
    for _ in range(n):
        s = rng.uniform(size[0], size[1], 2)
        out.append(box(s[0], s[1], rng.uniform(*z)).moved(rng.uniform(-.46, .46) * area[0], rng.uniform(-.46, .46) * area[1], rng.uniform(0, 1.5)))
    return merge(out)


def _board(rng: Rng, w: float, h: float) -> list[Part]:
    n = int(w * h / 160)
    return [Part(box(w, h, 1.4), "fr4"), Part(box(w * .96, h * .94, .07), "cu"), Part(_boxes(rng, min(n, 120), (w, h), (1, 4), (.6, 2)), "solder", 1, 4.0), Part(_boxes(rng, max(n // 8, 3), (w, h), (5, 16), (1, 2.5)), "ceramic", 1, 2.4), Part(_boxes(rng, max(n // 12, 2), (w, h), (4, 12), (4, 9)), "fe", 1, 2.5)]


def flask(rng: Rng) -> Item:
    """Bottle of drink or shampoo."""
    r, H = rng.uniform(20, 45), rng.uniform(110, 280); glass = rng.random() < .2; wall = rng.uniform(2, 3.5) if glass else rng.uniform(.5, 1.3); fill = rng.uniform(.2, .95)
    prof = np.array([(r * .9, 0), (r, 6), (r, H * .62), (r * .8, H * .75), (r * .35, H * .9), (r * .33, H)])
    z = np.linspace(0, H, 24); rad = np.interp(z, prof[:, 1], prof[:, 0]) * (1 + .03 * np.sin(z / rng.uniform(3, 9)) * (rng.random() < .5))
    m = "glass" if glass else "pet"
    inner = np.column_stack([rad - wall, z])[1:-1]
    lvl = z < H * fill
    liquid = np.column_stack([(rad - wall - .05), z])[1:-1][lvl[1:-1]]
    P = [Part(revolve(np.column_stack([rad, z]), segments=22), m), Part(revolve(inner, segments=22), m, -1)]
    if len(liquid) > 2: P.append(Part(revolve(liquid, segments=22), str(rng.choice(["water", "water", "cream", "food"]))))
    P.append(Part(cylinder(r * .42, 14, segments=18).moved(z=H + 2), "pp"))
    return _it("flask", [Part(p.mesh.moved(z=-H / 2).rotated("y", 90), p.material, p.sign) for p in P], glass=glass)


def tin(rng: Rng) -> Item:
    """Food tin or spray-like can."""
    r, H = rng.uniform(18, 42), rng.uniform(60, 150); w = rng.uniform(.2, .4); m = str(rng.choice(["fe", "al"]))
    return _it("tin", [Part(cylinder(r, H), m), Part(cylinder(r - w, H - 2 * w), m, -1), Part(cylinder(r - w - .05, H * .85), str(rng.choice(["food", "water", "cream"])))])


def cable(rng: Rng) -> Item:
    """Loose or coiled cable with plugs."""
    if rng.random() < .55:
        R = rng.uniform(25, 60); t = np.linspace(0, 2 * np.pi * rng.uniform(2, 6), 140); R = R * (1 + .08 * rng.normal(size=140).cumsum() / 12)
        path = np.c_[np.cos(t) * R * rng.uniform(.5, 1), np.sin(t) * R, np.linspace(-4, 4, 140)]
    else:
        path = spline(np.c_[rng.uniform(-150, 150, (8, 1)), rng.uniform(-110, 110, (8, 1)), rng.uniform(-6, 6, (8, 1))], 110)
    r = rng.uniform(1.3, 3.4)
    P = [Part(tube(path, r, segments=6), "pvc"), Part(tube(path, r * .45, segments=5), "cu", 1, 6.5)]
    for e in (0, -1): P += [Part(rounded_box(rng.uniform(14, 40), rng.uniform(8, 26), rng.uniform(5, 18), 2).moved(*path[e]), "pvc"), Part(box(rng.uniform(8, 16), rng.uniform(4, 8), 3).moved(*path[e]), "brass")]
    return _it("cable", P)


def handset(rng: Rng) -> Item:
    """Phone, player or tablet-like device."""
    w, h, t = rng.uniform(45, 170), rng.uniform(95, 250), rng.uniform(7, 16)
    return _it("handset", [Part(rounded_box(h, w, t, 6), "abs", 1, .7), Part(box(h * .9, w * .9, 1), "glass"), *[Part(p.mesh.moved(h * .2, 0, 1), p.material, 1, p.density_g_cm3) for p in _board(rng, h * .45, w * .85)], Part(box(h * .42, w * .8, t * .45).moved(-h * .22), "liion"), Part(cylinder(4, 3).moved(h * .42, w * .3), "fe")])


def gadget(rng: Rng) -> Item:
    """Charger, camera, hair dryer-like box with board, coil, motor."""
    s = rng.uniform((50, 40, 22), (150, 110, 60))
    P = [Part(rounded_box(*s, 6), "abs", 1, .35), *[Part(p.mesh, p.material, 1, p.density_g_cm3) for p in _board(rng, s[0] * .8, s[1] * .8)]]
    for _ in range(int(rng.integers(1, 4))):
        k = rng.integers(3); at = rng.uniform(-.3, .3, 2) * s[:2]
        P.append(Part([cylinder(rng.uniform(6, 16), s[2] * .6), torus(rng.uniform(8, 18), rng.uniform(3, 6), segments=20, tube_segments=8), box(*rng.uniform(10, 28, 3))][int(k)].moved(at[0], at[1]), str(rng.choice(["cu", "fe", "alkaline", "glass"])), 1, rng.uniform(2.5, 6)))
    return _it("gadget", P)


def bunch(rng: Rng) -> Item:
    """Keys on a ring."""
    P = [Part(torus(rng.uniform(10, 17), 1.2, segments=22, tube_segments=6), "fe")]
    for i in range(int(rng.integers(2, 8))):
        L = rng.uniform(22, 38); k = merge([prism(superellipse(11, 9, 2.4, segments=16), 2.2), box(L, 6, 2).moved(L / 2 + 9)])
        P.append(Part(k.moved(x=12).rotated("z", rng.uniform(0, 360)).moved(z=i * 1.2), str(rng.choice(["brass", "ss", "zn"]))))
    return _it("bunch", P)


def change(rng: Rng) -> Item:
    """Coins."""
    P = [Part(cylinder(rng.uniform(8, 13), rng.uniform(1.4, 2.2), segments=18).moved(*rng.normal(0, 22, 2), i * 1.6), str(rng.choice(["brass", "cu", "fe", "zn"]))) for i in range(int(rng.integers(2, 14)))]
    return _it("change", P)


def brolly(rng: Rng) -> Item:
    """Folded umbrella: shaft, ribs, cloth."""
    L = rng.uniform(200, 420); P = [Part(cylinder(4, L).rotated("y", 90), "fe", 1, 4.0), Part(cylinder(rng.uniform(18, 30), L * .85, segments=16).rotated("y", 90), "polyester", 1, .25, Texture("cloth", int(rng.integers(2**31)), .7, 30))]
    for i in range(8):
        a = i * np.pi / 4; r = rng.uniform(8, 16); P.append(Part(tube(spline([(-L * .42, np.cos(a) * r, np.sin(a) * r), (0, np.cos(a) * r * 1.2, np.sin(a) * r), (L * .42, np.cos(a) * 5, np.sin(a) * 5)], 12), 1.2, segments=5), "fe"))
    P.append(Part(cylinder(14, 60).rotated("y", 90).moved(L * .5), "abs", 1, .6))
    return _it("brolly", P)


def hanger(rng: Rng) -> Item:
    """Wire or plastic hanger."""
    w = rng.uniform(320, 420); p = spline([(-w / 2, 0, 0), (0, 90, 0), (w / 2, 0, 0)], 24); r = rng.uniform(1.2, 5); m = "fe" if r < 2.2 else "pp"
    hook = spline([(0, 90, 0), (2, 120, 0), (18, 145, 0), (-6, 158, 0), (-18, 142, 0)], 18)
    return _it("hanger", [Part(tube(p, r, segments=6).moved(y=-60), m), Part(tube([(-w / 2, 0, 0), (0, 0, 0), (w / 2, 0, 0)], r, segments=6).moved(y=-60), m), Part(tube(hook, 1.6, segments=6).moved(y=-60), "fe")])


def pens(rng: Rng) -> Item:
    """Pens, brushes, tweezers: long thin things of mixed material."""
    P = []
    for i in range(int(rng.integers(1, 7))):
        L = rng.uniform(90, 190); tilt = rng.uniform(0, 180); at = (*rng.normal(0, 14, 2), i * 5.0)
        P.append(Part(cylinder(rng.uniform(3, 6), L, segments=10).rotated("y", 90).rotated("z", tilt).moved(*at), str(rng.choice(["pp", "abs", "al", "wood"])), 1, .6))
        if rng.random() < .7: P.append(Part(cylinder(1.1, L * .7, segments=8).rotated("y", 90).rotated("z", tilt).moved(*at), str(rng.choice(["fe", "brass"]))))
    return _it("pens", P)


def cutlery(rng: Rng) -> Item:
    """Spoons and forks."""
    P = []
    for i in range(int(rng.integers(1, 5))):
        L = rng.uniform(80, 120); m = merge([box(L, rng.uniform(6, 9), 2), prism(superellipse(rng.uniform(20, 28), rng.uniform(12, 20), 2.2, segments=18), 1.6).moved(L / 2 + 20)])
        P.append(Part(m.rotated("z", rng.uniform(0, 360)).moved(*rng.normal(0, 10, 2), i * 4), "ss"))
    return _it("cutlery", P)


def volume(rng: Rng) -> Item:
    """Book or stack of paper."""
    s = rng.uniform((120, 90, 8), (300, 220, 45))
    return _it("volume", [Part(box(*s), "paper", 1, rng.uniform(.6, .95), Texture("pages", int(rng.integers(2**31)), .8, 60)), Part(box(s[0], s[1], 2.5), "cardboard", 1, .7)])


def footwear(rng: Rng) -> Item:
    """Shoe with sole, shank and eyelets."""
    L, w = rng.uniform(230, 310), rng.uniform(78, 108); o = np.column_stack([np.linspace(-1, 1, 18) * L / 2, np.interp(np.linspace(-1, 1, 18), [-1, -.7, -.1, .5, .9, 1], np.array([.3, .72, .6, 1, .6, .2]) * w / 2)])
    ol = np.r_[o, o[::-1] * [1, -1]]
    P = [Part(prism(ol, rng.uniform(12, 32)).moved(z=-20), "rubber", 1, rng.uniform(.5, 1.1)), Part(prism(ol * .93, rng.uniform(25, 60)).moved(z=20), "leather", 1, rng.uniform(.12, .3), Texture("leather", int(rng.integers(2**31)), 1.0, 50))]
    if rng.random() < .5: P.append(Part(box(L * .35, 14, 1.2).moved(-L * .08, z=-8), "fe"))
    for i in range(int(rng.integers(0, 6))): P += [Part(torus(3.5, .9, segments=12, tube_segments=5).moved(20 + i * 14, s * 14, 40), "brass") for s in (-1, 1)]
    return Item("footwear", "footwear", tuple(P), False, {}, .3)


def strap(rng: Rng) -> Item:
    """Coiled belt with buckle."""
    t = np.linspace(0, 2 * np.pi * rng.uniform(2, 5), 90); R = 22 + 3.2 * t
    sec = np.array([(-1.8, -17), (1.8, -17), (1.8, 17), (-1.8, 17)])
    if rng.random() < .5: P = [Part(sweep(np.c_[np.cos(t) * R, np.sin(t) * R, 0 * t], sec), "leather")]
    else: P = [Part(sweep(spline(rng.uniform(-150, 150, (5, 3)) * [1, .6, .08], 60), sec), "leather")]
    P.append(Part(prism(np.r_[rounded_rectangle(52, 40, 6)], 3.5).moved(60), "zn")); P.append(Part(box(34, 26, 3.4).moved(60), "zn", -1)); P.append(Part(cylinder(2, 40).rotated("y", 90).moved(60), "fe"))
    return _it("strap", P)


def fruit(rng: Rng) -> Item:
    """Round or long food."""
    s = rng.uniform((25, 25, 22), (90, 45, 40))
    return _it("fruit", [Part(ellipsoid(*s, segments=18), str(rng.choice(["food", "water", "choc", "sugar"])), 1, rng.uniform(.6, 1.1), Texture("granular", int(rng.integers(2**31)), .4, 30))])


def carton(rng: Rng) -> Item:
    """Box of something: powder, tablets, biscuits, cosmetics."""
    s = rng.uniform((60, 40, 15), (220, 140, 70))
    P = [Part(box(*s), "cardboard", 1, .5), Part(box(*(s - 1.2)), "cardboard", -1, .5), Part(box(*(s * [.9, .9, .85])), str(rng.choice(["food", "sugar", "soap", "choc", "pp", "paper", "cream"])), 1, rng.uniform(.25, 1.0), Texture("granular", int(rng.integers(2**31)), .5, 40))]
    if rng.random() < .3: P.append(Part(box(s[0] * .8, s[1] * .8, .1), "al"))
    return _it("carton", P)


def tripod(rng: Rng) -> Item:
    """Bundle of metal tubes: tripod, stick, toy."""
    P = []; L = rng.uniform(140, 330); r = rng.uniform(5, 11); m = str(rng.choice(["al", "fe", "al"]))
    for i in range(int(rng.integers(1, 4))):
        y = (i - 1) * r * 2.4; P += [Part(cylinder(r, L).rotated("y", 90).moved(0, y), m), Part(cylinder(r - 1, L - 2).rotated("y", 90).moved(0, y), m, -1), Part(box(14, r * 2.2, r * 2.2).moved(L * .3, y), "abs")]
    P.append(Part(box(40, 34, 26).moved(L * .55), str(rng.choice(["abs", "zn"])), 1, 1.6))
    return _it("tripod", P)


def spring_toy(rng: Rng) -> Item:
    """Mixed small hardware: clips, springs, buckles, screws."""
    P = []
    for _ in range(int(rng.integers(2, 9))):
        k = int(rng.integers(4)); m = [tube(helix(rng.uniform(3, 7), rng.uniform(15, 40), 6, steps_per_turn=8), .8, segments=5), cylinder(rng.uniform(2, 4), rng.uniform(10, 40), segments=8), prism(rounded_rectangle(*rng.uniform(10, 34, 2), 3), rng.uniform(1.5, 4)), torus(rng.uniform(5, 14), rng.uniform(1, 2.4), segments=16, tube_segments=6)][k]
        P.append(Part(m.rotated("x", rng.uniform(0, 180)).rotated("z", rng.uniform(0, 360)).moved(*rng.normal(0, 30, 2), rng.normal(0, 4)), str(rng.choice(["fe", "zn", "brass", "al"]))))
    return _it("spring_toy", P)


FAMILIES: dict[str, ItemMaker] = {f.__name__: f for f in (flask, tin, cable, handset, gadget, bunch, change, brolly, hanger, pens, cutlery, volume, footwear, strap, fruit, carton, tripod, spring_toy)}
