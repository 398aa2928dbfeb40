"""Cordless tools lying on their side: drill, jigsaw, grinder; body along x, handle towards -y."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, count, draw, pick
from beltline.simulate.items._board import boxes, circuit_board, plate
from beltline.simulate.items._device import Assembly, Device, intact
from beltline.simulate.items._innards import case, motor, round_cell, screws, wire
from beltline.simulate.shapes import Mesh, box, cone, cylinder, helix, prism, revolve, spline, tube
from beltline.simulate.solids import ItemMaker, Part, hollow, moved, turned


def _along_x(mesh: Mesh) -> Mesh:
    return mesh.rotated("y", 90)


def power_tool_device(rng: Rng) -> Device:
    """Drill, jigsaw or angle grinder."""
    return pick(rng, _drill, _drill, _jigsaw, _grinder)(rng)


def _barrel(
    rng: Rng, device: Assembly, low_x: float, high_x: float, radius: float, wall: float, material: str
) -> None:
    """Round body shell between two x, with a rounded back."""
    long = high_x - low_x
    profile = [
        (radius * 0.7, -long / 2),
        (radius, -long / 2 + radius * 0.25),
        (radius, long / 2 - 6),
        (radius * 0.85, long / 2),
    ]
    outer = _along_x(revolve(profile, segments=22))
    inner = outer.scaled(1 - 2 * wall / long, 1 - wall / radius, 1 - wall / radius)
    device.skin(*hollow(outer, inner, material), at=((low_x + high_x) / 2, 0, 0))


def _handle(
    rng: Rng,
    device: Assembly,
    x: float,
    top: float,
    grip: float,
    wide: float,
    thick: float,
    lean: float,
    material: str,
) -> None:
    """Hollow handle from y = top down by ``grip`` mm, leaning back; trigger switch, wires, its room."""
    outline = np.array([(wide / 2, 0), (-wide / 2, 0), (-wide / 2 - lean, -grip), (wide / 2 - lean, -grip)])
    outer = prism(outline, thick, bevel=4)
    middle = np.array([*outline.mean(axis=0), 0.0])
    factor = np.array([1 - 5.2 / wide, 1 - 5.2 / grip, 1 - 5.2 / thick])
    inner = Mesh(middle + (outer.vertices - middle) * factor, outer.faces)
    device.skin(*hollow(outer, inner, material), at=(x, top, 0))
    rubber = prism(outline * [0.4, 0.7] + [-wide * 0.36, -grip * 0.1], thick * 1.04)
    device.skin(Part(rubber, "filled_rubber", 1, 0.35), at=(x, top, 0))
    switch = [
        Part(box(20, 28, 15), "nylon"),
        Part(box(8, 14, 6), "cu", 1, 3.5),
        Part(box(10, 6, 10).moved(2, 8), "fe", 1, 2.5),
    ]
    device.add(switch, (x + 1, top - 18, 0), name="switch")
    device.skin(Part(box(9, 24, 15), "nylon"), at=(x + wide / 2 + 4, top - 17, 0))
    for s in (-3, 3):
        path = [(x, top - 32, s), (x - lean * 0.5, top - grip * 0.6, -s), (x - lean * 0.9, top - grip + 4, s)]
        device.skin(wire(path, 1.1))
    half = np.array([wide / 2 - 5, 0, thick / 2 - 3.4])
    a, b = np.array([x - lean * 0.55, top - 34, 0]), np.array([x - lean * 0.55, top - grip + 5, 0])
    device.room("handle", a - half, b + half)


def _battery(rng: Rng, device: Assembly, x: float, top: float) -> None:
    """Slide-on pack below the handle: five or ten cells, board, contacts."""
    rows = 2 if chance(rng, 0.35) else 1
    cells = pick(rng, 3, 5, 5)
    long, deep, wide = 78.0, 22.0 + 19.0 * rows, cells * 18.8 + 8
    if cells == 5:
        long, wide = 5 * 18.8 + 10, 74.0
    shell = moved(case(long, deep, wide, 2.2, pick(rng, "abs", "nylon"), radius=5, bevel=3), z=-wide / 2)
    centre = (x, top - deep / 2, 0.0)
    device.skin(*shell, at=centre)
    for row in range(rows):
        y = top - deep + 12.2 + row * 19
        for k in range(cells):
            cell = moved(round_cell(9, 65), z=-9)
            if cells == 5:
                spot = (x + (k - 2) * 18.7, y, 0.0)
                device.add(turned(cell, "y", 90), spot, name="cell")
            else:
                device.add(cell, (x, y, (k - 1) * 18.7), name="cell")
    board = turned(circuit_board(rng, long * 0.8, wide * 0.6, density=0.5, tall=0.3), "x", -90)
    device.add(board, (x, top - 7.5, 0))
    contacts = boxes([(x + s * 7.0, top - 1, z) for s in (-2, -1, 1, 2) for z in (-6, 6)], (1.0, 9, 4))
    device.skin(Part(contacts, "cu"))
    device.room(
        "battery_bay",
        (x - long / 2 + 3.5, top - deep + 3, -wide / 2 + 3.5),
        (x + long / 2 - 3.5, top - 3, wide / 2 - 3.5),
    )


def _gearbox(rng: Rng, device: Assembly, x: float, long: float, radius: float) -> None:
    """Planetary stages in a metal or plastic ring, from x on."""
    housing = _along_x(cylinder(radius, long, segments=20))
    inner = housing.scaled(1 - 2 / long, 1 - 2.4 / radius, 1 - 2.4 / radius)
    device.skin(*hollow(housing, inner, pick(rng, "al", "zn", "nylon")), at=(x + long / 2, 0, 0))
    stages = count(rng, 2, 3)
    pitch = (long - 4) / stages
    for k in range(stages):
        at = x + 2 + (k + 0.5) * pitch
        planets = [
            _along_x(cylinder(radius * 0.24, pitch * 0.55, segments=12)).moved(
                0, *(radius * 0.52 * np.array([np.cos(a), np.sin(a)]))
            )
            for a in np.arange(3) * 2.09 + k
        ]
        parts = [Part(m, "fe") for m in planets]
        parts.append(Part(_along_x(cylinder(radius * 0.22, pitch * 0.6, segments=10)), "fe"))
        parts.append(
            Part(_along_x(cylinder(radius * 0.8, pitch * 0.2, segments=18)).moved(pitch * 0.38), "fe")
        )
        device.add(parts, (at, 0, 0))


def _drill(rng: Rng) -> Device:
    """Drill or impact driver: motor behind, gearbox, clutch spring, keyless chuck, maybe a bit."""
    device, material = Assembly(), pick(rng, "nylon", "nylon", "absf")
    radius, wall = draw(rng, 25, 33), draw(rng, 2.2, 3.0)
    motor_long, gear_long = draw(rng, 48, 64), draw(rng, 34, 52)
    back = -motor_long - 10
    front = gear_long + 8
    _barrel(rng, device, back, front, radius, wall, material)
    size = radius - wall - draw(rng, 2.5, 7)
    device.add(motor(rng, size, motor_long * 0.9), (-motor_long / 2, 0, 0), name="motor")
    _gearbox(rng, device, 2.0, gear_long, radius - wall - 2.5)
    spring = _along_x(tube(helix(radius * 0.62, 14, 5, steps_per_turn=12), 1.2, segments=5))
    device.skin(Part(spring, "fe"), at=(front - 2, 0, 0))
    driver = chance(rng, 0.3)
    long, girth = (draw(rng, 22, 30), draw(rng, 8, 11)) if driver else (draw(rng, 38, 52), draw(rng, 17, 22))
    chuck = _along_x(cone(girth, girth * draw(rng, 0.55, 0.85), long, segments=20))
    bore = _along_x(cylinder(girth * 0.3, long * 0.96, segments=12))
    device.skin(Part(chuck, "fe", 1, 7.0), Part(bore, "fe", -1, 7.0), at=(front + 4 + long / 2, 0, 0))
    if chance(rng, 0.4):
        bit = _along_x(cylinder(draw(rng, 1.5, 4), draw(rng, 50, 110), segments=8))
        device.skin(Part(bit, "fe"), at=(front + long + draw(rng, 12, 28), 0, 0))
    grip = draw(rng, 95, 125)
    lean = draw(rng, 2, 18)
    x = draw(rng, -0.5, -0.1) * motor_long
    _handle(rng, device, x, -radius + 4, grip, draw(rng, 34, 42), draw(rng, 30, 37), lean, material)
    _battery(rng, device, x - lean + 8, -radius + 4 - grip)
    _case_screws(
        device,
        [
            (back + 14, radius - 9),
            (front - 12, radius - 9),
            (x - lean, -radius - grip + 16),
            (x, -radius - 4),
        ],
        26,
    )
    _bore(device, "motor_end", back + 5, -motor_long * 0.95, radius * 0.5)
    _bore(device, "body", back + 8, front - 8, radius * 0.66)
    return device.finish("power_tool", "impact_driver" if driver else "drill")


def _jigsaw(rng: Rng) -> Device:
    """Jigsaw: body with handle bow, crank gear, blade at the front, steel foot plate below."""
    device, material = Assembly(), pick(rng, "nylon", "absf")
    radius, wall, long = draw(rng, 27, 34), draw(rng, 2.2, 3.0), draw(rng, 150, 190)
    _barrel(rng, device, -long / 2, long / 2, radius, wall, material)
    device.add(motor(rng, radius - wall - 5, draw(rng, 56, 72)), (-long * 0.12, 0, 0), name="motor")
    gear = cylinder(radius * 0.72, 6, segments=22).rotated("x", 90)
    device.skin(
        Part(gear, "fe", 1, 6.0),
        Part(cylinder(4, 26, segments=10).rotated("x", 90), "fe"),
        at=(long * 0.32, 0, 0),
    )
    rod = box(9, 92, 7)
    device.skin(Part(rod, "fe"), at=(long / 2 - 12, -24, 0))
    blade_long, teeth = draw(rng, 50, 85), 20
    x = np.linspace(0, -blade_long, teeth)
    edge = 4.0 + 1.2 * (np.arange(teeth) % 2)
    outline = np.concatenate([np.column_stack([edge, x]), [(-4.0, -blade_long), (-4.0, 0.0)]])
    device.skin(Part(prism(outline, 1.2), "fe"), at=(long / 2 - 12, -70, 0))
    foot = plate(draw(rng, 120, 150), draw(rng, 58, 75), draw(rng, 1.6, 2.6)).rotated("x", 90)
    device.skin(Part(foot, pick(rng, "fe", "al")), at=(long * 0.12, -radius - 30, 0))
    device.skin(Part(box(60, 28, 40), "al", 1, 1.2), at=(long * 0.18, -radius - 14, 0))
    bow = [
        (-long / 2 + 8, radius - 6, 0),
        (-long * 0.42, radius + 34, 0),
        (0, radius + 42, 0),
        (long * 0.38, radius + 10, 0),
    ]
    device.skin(Part(tube(spline(bow, 16), 15, segments=12), material, 1, 0.45))
    device.add(
        [Part(box(20, 20, 15), "nylon"), Part(box(9, 12, 6), "cu", 1, 3.5)],
        (0, radius + 38, 0),
        name="switch",
    )
    _battery(rng, device, -long / 2 - 53, radius * 0.6)
    _bore(device, "body", -long / 2 + 8, long / 2 - 10, radius * 0.6)
    _case_screws(device, [(-long * 0.4, radius - 9), (0, -radius + 9), (long * 0.36, radius - 9)], 30)
    return device.finish("power_tool", "jigsaw")


def _grinder(rng: Rng) -> Device:
    """Angle grinder: slim body, gear head with disc and guard, battery at the back."""
    device, material = Assembly(), pick(rng, "nylon", "absf")
    radius, wall, long = draw(rng, 24, 30), draw(rng, 2.2, 2.8), draw(rng, 170, 220)
    _barrel(rng, device, -long / 2, long / 2, radius, wall, material)
    device.add(motor(rng, radius - wall - 3, draw(rng, 60, 80)), (long * 0.16, 0, 0), name="motor")
    device.add(circuit_board(rng, 40, 26, density=0.8, tall=0.5), (-long * 0.22, 0, -8), name="board")
    head = cylinder(radius * 0.95, 46, segments=20).rotated("x", 90)
    inner = cylinder(radius * 0.95 - 3, 40, segments=20).rotated("x", 90)
    device.skin(*hollow(head, inner, "al"), at=(long / 2 + radius * 0.9, -4, 0))
    gears = [
        Part(cylinder(radius * 0.7, 8, segments=20).rotated("x", 90), "fe", 1, 7.0),
        Part(cylinder(6, 58, segments=12).rotated("x", 90).moved(y=-12), "fe"),
    ]
    device.skin(*gears, at=(long / 2 + radius * 0.9, -8, 0))
    disc_radius = draw(rng, 55, 63)
    if chance(rng, 0.7):
        disc = cylinder(disc_radius, draw(rng, 1.5, 6), segments=36).rotated("x", 90)
        device.skin(Part(disc, "ceramic", 1, 2.4), at=(long / 2 + radius * 0.9, -44, 0))
    angle = np.radians(np.linspace(100, 260, 16))
    arc = np.column_stack([np.cos(angle), np.sin(angle)])
    guard = prism(np.concatenate([arc * (disc_radius + 6), arc[::-1] * (disc_radius + 4.4)]), 24).rotated(
        "x", 90
    )
    device.skin(Part(guard, "fe"), at=(long / 2 + radius * 0.9, -40, 0))
    _battery(rng, device, -long / 2 - 53, radius * 0.7)
    _bore(device, "body", -long / 2 + 8, long / 2 - 10, radius * 0.6)
    _case_screws(device, [(-long * 0.4, radius - 8), (0, -radius + 8), (long * 0.4, radius - 8)], 24)
    return device.finish("power_tool", "grinder")


def _bore(device: Assembly, name: str, start: float, stop: float, half: float) -> None:
    """Declare the square room along the axis from ``start`` to ``stop``."""
    device.room(name, (start, -half, -half), (stop, half, half))


def _case_screws(device: Assembly, spots: list[tuple[float, float]], length: float) -> None:
    device.skin(screws(spots, length, head=3.0), at=(0, 0, -length / 2))


FAMILIES: dict[str, ItemMaker] = {"power_tool": intact(power_tool_device)}
