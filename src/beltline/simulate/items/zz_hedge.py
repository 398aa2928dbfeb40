"""Basic weapons and tools."""

from __future__ import annotations

import numpy as np

from beltline.simulate.shapes import (
    Mesh, arc, blade, box, cylinder, helix, loft, merge, prism, revolve, rounded_box, rounded_rectangle, spline, superellipse, sweep, torus, tube,
)
from beltline.simulate.solids import Item, ItemMaker, Part, Texture

Rng = np.random.Generator
HANDLES = ("wood", "abs", "pp", "rubber", "nylon", "bone", "absf")


def handgun(rng: Rng) -> Item:
    """Semi-automatic pistol with slide, barrel, spring, raked grip and magazine."""
    L = rng.uniform(140, 225); h = rng.uniform(20, 32); t = rng.uniform(16, 30)
    grip_l = rng.uniform(70, 115); grip_w = rng.uniform(32, 50); rake = rng.uniform(8, 26)
    polymer = rng.random() < 0.45
    frame_m = str(rng.choice(["abs", "nylon"])) if polymer else str(rng.choice(["fe", "al", "zn", "fe"]))
    P: list[Part] = []
    slide = prism([(0, 0), (L, 0), (L, h * .8), (L - 4, h), (0, h)], t, bevel=rng.uniform(0, 3))
    hollow_w = t - rng.uniform(5, 9)
    P += [Part(slide, "fe"), Part(box(L * .92, h * .62, hollow_w).moved(L / 2, h * .42), "fe", -1)]
    r = rng.uniform(4, 6.5)
    barrel = cylinder(r + rng.uniform(1.5, 3), L * .9, segments=16).rotated("y", 90).moved(L * .52, h * .5)
    bore = cylinder(r * .8, L * .9 - .5, segments=12).rotated("y", 90).moved(L * .52, h * .5)
    P += [Part(barrel, "fe"), Part(bore, "fe", -1)]
    P.append(Part(tube(helix(4, L * .45, 12, steps_per_turn=8), .7, segments=5).rotated("y", 90).moved(L * .65, h * .15), "fe"))
    d = rng.uniform(14, 22)
    back = L * rng.uniform(.0, .06)
    fl = L * rng.uniform(.7, .95)
    low = prism([(back, 0), (fl, 0), (fl, -d * .6), (fl * .62, -d), (back + grip_w * .9, -d), (back, -d * .8)], t * .9)
    P.append(Part(low, frame_m, 1, rng.uniform(2.5, 5) if frame_m == "fe" else None))
    k = np.tan(np.radians(rake))
    g0, g1 = -d * .7, -d - grip_l
    def col(x: float, y: float) -> tuple[float, float]: return (back + x + k * (y - g0), y)
    grip = prism([col(0, g0), col(grip_w, g0), col(grip_w * rng.uniform(.9, 1.1), g1), col(-rng.uniform(0, 6), g1)], t * rng.uniform(.85, 1.15), bevel=2)
    gm = frame_m if rng.random() < .6 else str(rng.choice(["wood", "rubber", "abs"]))
    P.append(Part(grip, gm, 1, rng.uniform(2, 4.5) if gm == "fe" else None))
    if rng.random() < .85:
        mw = grip_w * rng.uniform(.6, .75); mh = grip_l * 1.05
        mag = box(mw, mh, t * .65); ins = box(mw - 2, mh - 2, t * .65 - 2)
        cx, cy = col(grip_w * .48, (g0 + g1) / 2)
        ang = -rake
        P += [Part(mag.rotated("z", ang).moved(cx, cy), "fe"), Part(ins.rotated("z", ang).moved(cx, cy), "fe", -1)]
        n = int(rng.integers(0, 9))
        for i in range(n):
            y = g0 - 6 - i * 9.5
            x, _ = col(grip_w * .48, y)
            c = revolve([(4.6, 0), (4.6, 17), (4.2, 19), (1.5, 26)], segments=10).rotated("y", 90).moved(x - 13, y)
            P.append(Part(c, "brass", 1, 5.5))
        P.append(Part(tube(helix(5, max(grip_l - n * 9.5, 15) * .8, 7, steps_per_turn=8), .6, segments=5).rotated("x", 90).rotated("z", ang).moved(*col(grip_w * .48, g1 + max(grip_l - n * 9.5, 15) * .45)), "fe"))
    gx = back + grip_w + 2
    guard = spline([(gx - 6, -d), (gx + 4, -d - 22), (gx + 24, -d - 24), (gx + 38, -d + 2)], 22)
    P.append(Part(tube(np.column_stack([guard, 0 * guard[:, 0]]), rng.uniform(1.6, 3.2), segments=6), frame_m if frame_m != "nylon" else "fe"))
    trig = spline([(gx + 8, -d), (gx + 12, -d - 9), (gx + 9, -d - 17)], 8)
    P.append(Part(tube(np.column_stack([trig, 0 * trig[:, 0]]), 2.4, segments=6), "fe"))
    for _ in range(3):
        P.append(Part(cylinder(rng.uniform(1.5, 3), t * .9, segments=8).moved(rng.uniform(back + 5, fl * .7), -rng.uniform(2, d)), "fe"))
    P.append(Part(box(6, 4, 3).moved(L - 8, h + 2), "fe")); P.append(Part(box(8, 4, t * .6).moved(8, h + 2), "fe"))
    s = rng.uniform(-1, 1)
    P = [Part(p.mesh.moved(-L * .45, grip_l * .35), p.material, p.sign, p.density_g_cm3, p.texture) for p in P]
    return Item("handgun", "gun", tuple(P), True, {"design": "pistol", "length_mm": L, "frame": frame_m, "_": s})


def wheelgun(rng: Rng) -> Item:
    """Revolver."""
    L = rng.uniform(45, 160); rc = rng.uniform(16, 22); cl = rng.uniform(32, 45); n = int(rng.integers(5, 8))
    m = str(rng.choice(["fe", "ss", "fe", "zn"]))
    P: list[Part] = []
    br = rng.uniform(6, 9)
    P += [Part(cylinder(br, L, segments=16).rotated("y", 90).moved(cl / 2 + L / 2 + 4, rc * .5), m), Part(cylinder(br * .5, L - .5, segments=12).rotated("y", 90).moved(cl / 2 + L / 2 + 4, rc * .5), m, -1)]
    P.append(Part(box(L * .9, 5, 5).moved(cl / 2 + L * .5 + 4, rc * .5 + br + 2), m))
    if rng.random() < .7: P.append(Part(cylinder(3.2, L * .7, segments=10).rotated("y", 90).moved(cl / 2 + L * .38 + 4, rc * .5 - br - 4), m))
    drum = cylinder(rc, cl, segments=28).rotated("y", 90)
    P.append(Part(drum, m))
    loaded = rng.random() < .6
    for i in range(n):
        a = 2 * np.pi * i / n
        y, z = np.cos(a) * rc * .62, np.sin(a) * rc * .62
        ch = cylinder(rc * .24, cl - .6, segments=12).rotated("y", 90).moved(0, y, z)
        P.append(Part(ch, m, -1))
        if loaded: P.append(Part(cylinder(rc * .2, cl * .85, segments=10).rotated("y", 90).moved(0, y, z), "brass", 1, 6.5))
    top, bot = rc + 4, -rc - 4
    P.append(Part(box(cl + 18, 7, 9).moved(0, top + 3), m)); P.append(Part(box(cl + 12, 7, 10).moved(0, bot - 3), m))
    P.append(Part(box(8, 2 * rc + 18, 11).moved(cl / 2 + 5), m)); P.append(Part(box(12, 2 * rc + 18, 12).moved(-cl / 2 - 8), m))
    gl, gw = rng.uniform(70, 120), rng.uniform(26, 44)
    c = spline([(-cl / 2 - 8, 4), (-cl / 2 - 26, -rc - 6), (-cl / 2 - 30 - gl * .2, -rc - gl * .6), (-cl / 2 - 18 - gl * .35, -rc - gl)], 14)
    ws = np.interp(np.linspace(0, 1, 14), [0, .3, .7, 1], [gw * .7, gw * .75, gw * .85, gw * 1.05])
    sec = np.array([superellipse(w / 2, rng.uniform(10, 16), 2.4, segments=14) for w in ws])
    gp = sweep(np.column_stack([c, 0 * c[:, 0]]), sec)
    P.append(Part(gp, str(rng.choice(["wood", "rubber", "abs", "wood"]))))
    P.append(Part(tube(np.column_stack([c, 0 * c[:, 0]]), rng.uniform(4, 6), segments=8), m))
    g = spline([(cl / 2, bot - 5), (cl / 2 - 2, bot - 26), (-cl / 2 + 4, bot - 26), (-cl / 2 - 6, bot - 6)], 18)
    P.append(Part(tube(np.column_stack([g, 0 * g[:, 0]]), rng.uniform(1.8, 3), segments=6), m))
    t = spline([(2, bot - 4), (5, bot - 13), (1, bot - 21)], 8)
    P.append(Part(tube(np.column_stack([t, 0 * t[:, 0]]), 2.6, segments=6), m))
    P.append(Part(prism([(-cl / 2 - 12, 6), (-cl / 2 - 8, rc + 14), (-cl / 2 - 24, rc + 18), (-cl / 2 - 17, 4)], 7), m))
    P = [Part(p.mesh.moved(-L * .3, rc * .8), p.material, p.sign, p.density_g_cm3) for p in P]
    return Item("wheelgun", "gun", tuple(P), True, {"design": "revolver", "barrel_mm": L, "chambers": n})


def _blade(rng: Rng, L: float, w: float, style: str) -> Mesh:
    x = np.linspace(0, 1, 26)
    if style == "drop": spine = np.where(x < .65, 0, -w * .55 * (np.maximum(x - .65, 0) / .35) ** 1.6); edge = -w + w * .45 * np.clip((x - .6) / .4, 0, 1) ** 2.2
    elif style == "chef": spine = -w * .06 * x ** 2 - w * .1 * np.clip((x - .9) / .1, 0, 1); edge = -w * (1 - np.clip((x - .35) / .65, 0, 1) ** 2.4 * .9)
    elif style == "clip": spine = np.where(x < .55, 0, -w * .6 * (np.maximum(x - .55, 0) / .45) ** .8); edge = -w + w * .38 * np.clip((x - .7) / .3, 0, 1) ** 2
    elif style == "dagger": spine = -w * .5 * np.clip((x - .5) / .5, 0, 1) ** 1.3; edge = -w + w * .5 * np.clip((x - .5) / .5, 0, 1) ** 1.3
    elif style == "cleaver": spine = np.zeros_like(x); edge = np.full_like(x, -w) + w * .08 * x
    else: spine = np.zeros_like(x); edge = -w + w * .95 * np.clip((x - .8) / .2, 0, 1)
    edge = np.minimum(edge, spine - .3)
    sp, ed = np.column_stack([x * L, spine + w / 2]), np.column_stack([x * L * (1 if style != "tanto" else .97), edge + w / 2])
    return blade(sp, ed, rng.uniform(1.4, 4.2), grind=rng.uniform(.2, .95))


def sheath_knife(rng: Rng) -> Item:
    """Fixed blade: kitchen, hunting, dagger or cleaver, with tang, scales and rivets."""
    style = str(rng.choice(["drop", "chef", "clip", "dagger", "cleaver", "tanto", "chef", "drop"]))
    L = rng.uniform(70, 240); w = L * rng.uniform(.11, .24)
    if style == "cleaver": L, w = rng.uniform(130, 200), rng.uniform(60, 95)
    w = max(w, 14); hl, hw = rng.uniform(85, 135), rng.uniform(19, 30); ht = rng.uniform(11, 22)
    steel = str(rng.choice(["fe", "ss", "ss", "ceramic" if rng.random() < .15 else "fe"]))
    P = [Part(_blade(rng, L, w, style), steel)]
    if rng.random() < .12:
        th = rng.uniform(2, 3); P.append(Part(box(hl, hw * .8, ht * .5).moved(-hl / 2), "ss")); metal = True
    else:
        metal = False
        tl = hl * rng.uniform(.45, 1.0); P.append(Part(box(tl, hw * rng.uniform(.4, .9), rng.uniform(1.5, 3.5)).moved(-tl / 2 + 3), steel if steel != "ceramic" else "fe"))
        mat = str(rng.choice(HANDLES))
        curve = rng.normal(0, 4, 5)
        xs = np.linspace(0, -hl, 5)
        path = spline(np.column_stack([xs, curve - curve[0], 0 * xs]), 12)
        P.append(Part(sweep(path, np.array([superellipse(hw / 2 * s, ht / 2, 2.6, segments=12) for s in np.interp(np.linspace(0, 1, 12), [0, .4, .8, 1], rng.uniform(.85, 1.1, 4))])), mat))
        for i in range(int(rng.integers(0, 4))):
            P.append(Part(cylinder(rng.uniform(2, 4), ht, segments=10).moved(-hl * (.2 + .25 * i)), str(rng.choice(["ss", "brass", "al"]))))
    if style in ("dagger", "clip", "drop") and rng.random() < .6:
        P.append(Part(box(rng.uniform(5, 10), w * rng.uniform(1.3, 2.2), ht * rng.uniform(.7, 1.1)), str(rng.choice(["ss", "brass", "fe", "zn"]))))
        if rng.random() < .6: P.append(Part(rounded_box(14, hw, ht, 3).moved(-hl), str(rng.choice(["ss", "brass", "zn"]))))
    P = [Part(p.mesh.moved((hl - L) / 2), p.material, p.sign, p.density_g_cm3) for p in P]
    return Item("sheath_knife", "knife", tuple(P), True, {"design": style, "blade_mm": L, "all_metal": metal})


def pocket_knife(rng: Rng) -> Item:
    """Folding knife, closed to open; Swiss-army knives have several blades."""
    hl = rng.uniform(80, 130); hw = rng.uniform(17, 27); L = hl * rng.uniform(.7, .9); w = hw * rng.uniform(.6, .95)
    n = 1 if rng.random() < .65 else int(rng.integers(2, 6))
    P: list[Part] = []
    ht = 5 + 3 * n + rng.uniform(2, 7)
    scales = str(rng.choice([*HANDLES, "al", "ss", "ti"]))
    outline = superellipse(hl / 2, hw / 2, rng.uniform(2.5, 6), segments=24)
    for z in (-1, 1):
        P.append(Part(prism(outline, 2.2 if scales in ("al", "ss", "ti") else ht * .3).moved(z=z * ht * .36), scales))
        P.append(Part(prism(outline * .94, rng.uniform(.8, 1.6)).moved(z=z * ht * .18), "ss"))
    P.append(Part(box(hl * .8, 4, ht * .3).moved(0, hw * .4), "ss"))
    piv = np.array([hl * .42, hw * .1])
    for i in range(n):
        open_deg = float(rng.choice([0, 180, rng.uniform(20, 170)])) if i == 0 else float(rng.choice([0, 0, 0, rng.uniform(30, 180)]))
        b = _blade(rng, L * (1 if i == 0 else rng.uniform(.5, .9)), w * (1 if i == 0 else .7), str(rng.choice(["drop", "clip", "tanto", "chef"]))).rotated("z", 180 - open_deg)
        P.append(Part(b.moved(piv[0], piv[1], (i - (n - 1) / 2) * 3), "ss"))
    for x in (-.38, .0, .42):
        P.append(Part(cylinder(rng.uniform(2, 4.5), ht, segments=10).moved(x * hl, hw * .1), "ss"))
    return Item("pocket_knife", "knife", tuple(P), True, {"design": "folding", "blades": n, "handle_mm": hl})


def box_cutter(rng: Rng) -> Item:
    """Utility knife with a snap-off blade."""
    hl = rng.uniform(110, 175); hw = rng.uniform(16, 32); ht = rng.uniform(9, 16); bw = min(hw * .6, 18) if rng.random() < .7 else 9.0
    body = rounded_box(hl, hw, ht, 5); slot = box(hl * .9, bw + 1.5, 3.0)
    m = str(rng.choice(["abs", "absf", "pp", "zn", "al"]))
    out = rng.uniform(0, 60)
    P = [Part(body, m), Part(slot, m, -1)]
    bl = rng.uniform(80, 110)
    P.append(Part(prism([(0, -bw / 2), (bl, -bw / 2), (bl - bw * .6, bw / 2), (0, bw / 2)], .6).moved(hl / 2 - bl + out), "fe"))
    P.append(Part(box(hl * .75, bw + 1, .8).moved(0, 0, 1), "ss")); P.append(Part(rounded_box(16, 10, 6, 2).moved(hl * .1, 0, ht / 2), "pp")); P.append(Part(cylinder(3, ht, segments=10).moved(-hl * .3), "fe"))
    return Item("box_cutter", "knife", tuple(P), True, {"design": "utility", "out_mm": out})


def shears(rng: Rng) -> Item:
    """Scissors opened by some angle."""
    L = rng.uniform(45, 150); w = L * rng.uniform(.1, .17); sh = L * rng.uniform(.3, .8); ang = float(rng.choice([2, rng.uniform(3, 55)])); steel = rng.random() < .3
    rr = rng.uniform(11, 20); P: list[Part] = []
    for s in (1, -1):
        b = _blade(rng, L, w, str(rng.choice(["drop", "tanto"])))
        shank = prism([(4, -w * .35), (4, w * .35), (-sh, w * .25 + rr * .5), (-sh, -w * .25 + rr * .5)], rng.uniform(2.5, 4.5))
        ring = torus(rr, rng.uniform(2.2, 4.5), segments=26, tube_segments=8).scaled(rng.uniform(1, 1.5), 1, 1).moved(-sh - rr * .9, rr * .75)
        half = [Part(b, "ss"), Part(shank, "ss"), Part(ring, "ss" if steel else str(rng.choice(["abs", "pp"])))]
        if not steel: half.append(Part(box(sh * .9, w * .8, 9).moved(-sh * .9, rr * .5), "abs"))
        for p in half:
            m = p.mesh if s == 1 else p.mesh.mirrored("y")
            P.append(Part(m.rotated("z", s * ang / 2).moved(z=s * 1.4), p.material))
    P.append(Part(cylinder(rng.uniform(2.5, 5), 7, segments=12), "ss"))
    P = [Part(p.mesh.moved(-(L - sh) / 2), p.material) for p in P]
    return Item("shears", "scissors", tuple(P), True, {"blade_mm": L, "open_deg": ang})


def spanner(rng: Rng) -> Item:
    """Open, ring or combination wrench, or adjustable."""
    L = rng.uniform(100, 280); w = L * rng.uniform(.05, .085); t = rng.uniform(4, 9); m = str(rng.choice(["fe", "fe", "ss", "al"])); P: list[Part] = []
    P.append(Part(box(L, w, t * .75), m))
    for s in (-1, 1):
        kind = str(rng.choice(["open", "ring"])); R = w * rng.uniform(.9, 1.4) * (1.15 if s > 0 else 1)
        if kind == "ring":
            P.append(Part(torus(R * .82, min(R * .28, t * .7), segments=26, tube_segments=8).moved(s * (L / 2 + R * .7)), m))
        else:
            a = np.radians(np.linspace(35, 325, 20)); ro, ri = R * 1.15, R * .6
            ol = np.r_[np.c_[np.cos(a) * ro, np.sin(a) * ro], np.c_[np.cos(a[::-1]) * ri, np.sin(a[::-1]) * ri]]
            P.append(Part(prism(ol, t).rotated("z", rng.uniform(-15, 15) + (0 if s > 0 else 180)).moved(s * (L / 2 + R * .75)), m))
    if rng.random() < .25:
        P.append(Part(cylinder(w * .5, t * 1.6, segments=14).rotated("x", 90).moved(L / 2 - w), m)); P.append(Part(box(w * 1.6, w * .9, t * 1.3).moved(L / 2, w * .8), m))
    return Item("spanner", "wrench", tuple(P), True, {"length_mm": L})


def tongs(rng: Rng) -> Item:
    """Pliers of several noses with sleeved handles."""
    L = rng.uniform(45, 80); hl = rng.uniform(80, 140); ang = rng.uniform(2, 35); w = rng.uniform(9, 15); t = rng.uniform(7, 12); nose = rng.uniform(.25, .9); P: list[Part] = []
    for s in (1, -1):
        jaw = prism([(0, 0), (L, 0), (L, w * nose * .6), (L * .3, w), (0, w * 1.1)], t)
        path = spline([(0, w * .3, 0), (-hl * .25, -w * .6, 0), (-hl * .6, -w * rng.uniform(1.2, 2), 0), (-hl, -w * rng.uniform(.8, 1.6), 0)], 18)
        for mesh, mat, d in ((jaw, "fe", None), (tube(path, t * .42, segments=8), "fe", None), (tube(path[5:], t * .75, segments=8), "pvc", 1.2)):
            m = mesh if s == 1 else mesh.mirrored("y")
            P.append(Part(m.rotated("z", s * ang / 2), mat, 1, d))
    P.append(Part(cylinder(w * .8, t * 1.2, segments=18), "fe"))
    P = [Part(p.mesh.moved(hl * .3), p.material, p.sign, p.density_g_cm3) for p in P]
    return Item("tongs", "pliers", tuple(P), True, {"handle_mm": hl, "open_deg": ang})


def claw_hammer(rng: Rng) -> Item:
    """Claw hammer or ball-peen."""
    L = rng.uniform(200, 340); r = rng.uniform(9, 16); hd = rng.uniform(80, 130); mat = str(rng.choice(["wood", "wood", "fe", "nylon"]))
    path = np.c_[np.linspace(0, -L, 10), np.zeros(10), np.zeros(10)]
    P = [Part(sweep(path, np.array([superellipse(r * s, r * .75 * s, 2.3, segments=12) for s in np.linspace(.8, 1.15, 10)])), mat if mat != "fe" else "fe", 1, 2.8 if mat == "fe" else None)]
    if mat != "wood": P.append(Part(sweep(path[5:], np.array([superellipse(r * 1.35, r * 1.1, 2.3, segments=12)] * 5)), "rubber"))
    P.append(Part(box(24, 28, 22), "fe")); P.append(Part(cylinder(rng.uniform(10, 16), hd * .4, segments=18).rotated("x", 90).moved(0, hd * .3), "fe"))
    c = spline([(0, -8, 0), (-2, -hd * .3, 0), (-14, -hd * .55, 0), (-26, -hd * .62, 0)], 12)
    for z in (-5, 5):
        P.append(Part(sweep(c, np.array([(np.array([(-7, -3.5), (7, -3.5), (7, 3.5), (-7, 3.5)]) * s) for s in np.linspace(1, .45, 12)])).moved(z=z), "fe"))
    P = [Part(p.mesh.moved(L * .45), p.material, p.sign, p.density_g_cm3) for p in P]
    return Item("claw_hammer", "hammer", tuple(P), True, {"length_mm": L, "handle": mat})


FAMILIES: dict[str, ItemMaker] = {f.__name__: f for f in (handgun, wheelgun, sheath_knife, pocket_knife, box_cutter, shears, spanner, tongs, claw_hammer)}
_UNUSED = (arc, loft, merge, rounded_rectangle, Texture)
