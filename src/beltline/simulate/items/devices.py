"""Other electronics with insides: tablet, phone, radio, cordless drill, camera."""

from __future__ import annotations

import numpy as np

from beltline.simulate.items._board import boxes, circuit_board, moved
from beltline.simulate.items.laptops import Bay, Device
from beltline.simulate.shapes import cylinder, prism, revolve, rounded_box, torus, tube
from beltline.simulate.solids import Item, ItemMaker, Part, hollow

Rng = np.random.Generator


def _shell(x: float, y: float, z: float, wall: float, material: str) -> tuple[Part, ...]:
    inner = rounded_box(x - 2 * wall - 0.4, y - 2 * wall - 0.4, z - 2 * wall, 3, bevel=0.8)
    return hollow(rounded_box(x, y, z, 5, bevel=1.2), inner, material)


def _slab_device(rng: Rng, name: str, x: float, y: float, z: float) -> Device:
    """Tablet or phone: shell, glass, board beside the cell, cameras, speaker."""
    parts: list[Part] = [*_shell(x, y, z, 0.8, str(rng.choice(["al", "abs"])))]
    parts.append(Part(rounded_box(x * 0.96, y * 0.95, rng.uniform(0.8, 1.4), 4).moved(z=z * 0.36), "glass"))
    split = rng.uniform(0.25, 0.4)
    parts += moved(circuit_board(rng, x * split, y * 0.86, density=1.6), x * (0.47 - split / 2), 0, -z * 0.1)
    first = len(parts)
    cell = rounded_box(x * (0.9 - split), y * 0.8, z * 0.42, 2).moved(-x * split / 2, 0, -z * 0.1)
    parts.append(Part(cell, "liion"))
    parts.append(Part(cylinder(4, z * 0.5).moved(x * 0.44, y * 0.36, 0), "ss", 1, 3.0))
    parts.append(Part(boxes([(-x * 0.46, 0, 0)], [(4, 16, z * 0.4)]), "fe", 1, 4.0))
    bays = (Bay("battery", (-x * split / 2, 0.0, -z * 0.1), (x * (0.8 - split), y * 0.7, z * 0.4)),)
    item = Item(name, name, tuple(parts), params={"size_mm": [round(v, 1) for v in (x, y, z)]})
    return Device(item, bays, {"battery": (first,)})


def tablet_device(rng: Rng) -> Device:
    """Tablet computer."""
    return _slab_device(rng, "tablet", rng.uniform(200, 280), rng.uniform(130, 190), rng.uniform(7, 10))


def phone_device(rng: Rng) -> Device:
    """Smartphone or older telephone."""
    return _slab_device(rng, "phone", rng.uniform(110, 168), rng.uniform(48, 78), rng.uniform(7.5, 15))


def radio_device(rng: Rng) -> Device:
    """Portable radio: speaker, ferrite rod, board, cells, telescopic aerial."""
    x, y, z = rng.uniform(110, 260), rng.uniform(70, 160), rng.uniform(28, 70)
    parts: list[Part] = [*_shell(x, y, z, rng.uniform(1.6, 2.6), str(rng.choice(["abs", "absf"])))]
    radius = min(y * 0.32, rng.uniform(24, 48))
    at = (-x * 0.24, 0.0, z * 0.1)
    parts.append(Part(revolve([(radius, 0), (radius * 0.5, z * 0.22)]).moved(*at), "paper"))
    parts.append(Part(torus(radius, 1.6).moved(*at), "fe"))
    parts.append(Part(cylinder(radius * 0.36, z * 0.2).moved(at[0], at[1], -z * 0.05), "fe"))
    parts += moved(circuit_board(rng, x * 0.42, y * 0.5, density=0.6), x * 0.22, -y * 0.1, -z * 0.05)
    parts.append(Part(cylinder(4.5, x * 0.4).rotated("y", 90).moved(x * 0.2, y * 0.36, 0), "fe", 1, 4.8))
    first = len(parts)
    cells = int(rng.integers(2, 5))
    for k in range(cells):
        cell = cylinder(7, 50, segments=16).rotated("y", 90).moved(x * 0.22, -y * 0.36 + k * 15.0, -z * 0.3)
        parts.append(Part(cell, "alkaline"))
    parts.append(
        Part(tube([(-x * 0.45, y * 0.53, z * 0.3), (x * 0.45, y * 0.53, z * 0.3)], 2.2), "ss", 1, 4.0)
    )
    bays = (
        Bay("battery", (x * 0.22, -y * 0.14, -z * 0.3), (56.0, y * 0.5, z * 0.24)),
        Bay("speaker", (-x * 0.24, 0.0, -z * 0.24), (x * 0.34, y * 0.6, z * 0.3)),
    )
    item = Item("radio", "radio", tuple(parts), params={"size_mm": [round(v, 1) for v in (x, y, z)]})
    return Device(item, bays, {"battery": tuple(range(first, first + cells))})


def power_tool_device(rng: Rng) -> Device:
    """Cordless drill: motor, gearbox, chuck, trigger, battery in the foot."""
    length, grip, wide = rng.uniform(170, 230), rng.uniform(110, 150), rng.uniform(52, 66)
    wall = rng.uniform(2.2, 3.0)
    body = prism(
        [(-length / 2, -28), (length / 2 - 50, -28), (length / 2 - 50, 28), (-length / 2, 28)], wide, bevel=6
    )
    inner = body.scaled(1 - 2 * wall / length, 1 - 2 * wall / 56, 1 - 2 * wall / wide)
    parts: list[Part] = [*hollow(body, inner.moved(-0.4), "nylon")]
    parts.append(Part(cylinder(18, 60).rotated("y", 90).moved(-length * 0.26), "fe", 1, 5.0))
    parts.append(Part(cylinder(12, 50).rotated("y", 90).moved(-length * 0.26), "cu", 1, 3.5))
    parts.append(Part(cylinder(20, 36).rotated("y", 90).moved(length * 0.06), "fe", 1, 4.5))
    parts.append(Part(cylinder(17, 46).rotated("y", 90).moved(length / 2 - 24), "fe", 1, 5.5))
    handle = prism([(-30, -28), (12, -28), (4, -grip), (-38, -grip)], 36, bevel=5)
    parts.append(Part(handle, "nylon", 1, 0.55))
    parts.append(Part(boxes([(-2, -48, 0)], [(22, 26, 20)]), "fe", 1, 1.8))
    first = len(parts)
    for k in range(int(rng.integers(3, 6))):
        cell = cylinder(9, 60, segments=16).rotated("y", 90).moved(-16, -grip - 14, (k - 2) * 19.0)
        parts.append(Part(cell, "liion", 1, 2.7))
    foot = (-16.0, -grip - 14, 0.0)
    parts.append(Part(rounded_box(108, 40, 92, 6).moved(*foot), "abs", 1, 0.35))
    bays = (
        Bay("handle", (-16.0, -grip * 0.62, 0.0), (22.0, grip * 0.4, 24.0)),
        Bay("battery", foot, (70.0, 24.0, 60.0)),
    )
    turned = tuple(Part(p.mesh.moved(y=grip * 0.45), p.material, p.sign, p.density_g_cm3) for p in parts)
    lifted = tuple(Bay(b.name, (b.centre[0], b.centre[1] + grip * 0.45, b.centre[2]), b.size) for b in bays)
    item = Item(
        "power_tool", "power_tool", turned, params={"length_mm": round(length, 1), "grip_mm": round(grip, 1)}
    )
    return Device(item, lifted, {"battery": tuple(range(first, len(parts) - 1))})


def make_camera(rng: Rng) -> Item:
    """Compact or mirror camera: lens barrel with glass, board, cell, prism block."""
    x, y, z = rng.uniform(92, 150), rng.uniform(58, 100), rng.uniform(26, 60)
    parts: list[Part] = [*_shell(x, y, z, 1.6, str(rng.choice(["abs", "al", "absf"])))]
    radius, out = rng.uniform(16, 36), rng.uniform(18, 80)
    radius = min(radius, y * 0.46)
    at = (rng.uniform(-0.12, 0.12) * x, 0.0, z / 2 + out / 2)
    parts += [
        Part(p.mesh.moved(*at), p.material, p.sign)
        for p in hollow(cylinder(radius, out), cylinder(radius - 2.5, out - 1), "al")
    ]
    for k in range(int(rng.integers(3, 8))):
        height = at[2] + (k / 7 - 0.5) * out * 0.9
        parts.append(
            Part(
                cylinder(radius * rng.uniform(0.5, 0.88), rng.uniform(2, 5)).moved(at[0], 0, height), "glass"
            )
        )
    parts += moved(circuit_board(rng, x * 0.8, y * 0.7, density=1.3), z=-z * 0.25)
    parts.append(Part(boxes([(x * 0.36, 0, 0)], [(18, y * 0.7, z * 0.5)]), "liion"))
    parts.append(Part(torus(6, 1.2).moved(x / 2 + 4), "ss"))
    return Item("camera", "camera", tuple(parts), params={"size_mm": [round(v, 1) for v in (x, y, z)]})


def make_tablet(rng: Rng) -> Item:
    """A benign tablet."""
    return tablet_device(rng).item


def make_phone(rng: Rng) -> Item:
    """A benign telephone."""
    return phone_device(rng).item


def make_radio(rng: Rng) -> Item:
    """A benign radio."""
    return radio_device(rng).item


def make_power_tool(rng: Rng) -> Item:
    """A benign cordless drill."""
    return power_tool_device(rng).item


FAMILIES: dict[str, ItemMaker] = {
    "tablet": make_tablet,
    "phone": make_phone,
    "radio": make_radio,
    "power_tool": make_power_tool,
    "camera": make_camera,
}
