"""Pictures of simulated bags with something done to them, for the benchmarks of curation.

COPIES show the same picture again, RELATIVES another picture of the same bag, FAULTS take the place of a bag.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.formats import ScanSet, encode_png
from beltline.physics import STYLES, colorize
from beltline.simulate import Scanner, Scene, photograph_scene

Pixels = NDArray[np.uint8]
Rng = np.random.Generator
SIDE_CUT = 0.03


@dataclass(frozen=True, eq=False)
class Bag:
    """A bag of a simulated set.

    Attributes:
        rgb: (H, W, 3).
        planes: (2, H, W) low and high transmission.
        scene: What replays it.
        threats: Places in the scene of its prohibited items.
    """

    rgb: Pixels
    planes: NDArray[np.float32]
    scene: dict[str, object]
    threats: tuple[int, ...]

    @classmethod
    def read(cls, color: ScanSet, raw: ScanSet, index: int) -> Bag:
        """Bag of a set opened in colour and as transmissions."""
        scene = color.scene(index)
        assert scene is not None
        pixels = np.rint(255 * np.moveaxis(color.scan(index).pixels, 0, 2)).astype(np.uint8)
        threats = tuple(int(item["object_id"]) for item in color.annotations[index] if item["threat"])
        return cls(pixels, raw.scan(index).pixels, scene, threats)


def jpeg(rgb: Pixels, quality: int) -> Pixels:
    """What is left after JPEG."""
    return decoded(bytes(cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]))


def decoded(data: bytes) -> Pixels:
    """RGB of a file."""
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.uint8)[..., ::-1]


def scaled(rgb: Pixels, factor: float) -> Pixels:
    """The picture at another size."""
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=way), np.uint8)


def cropped(rgb: Pixels, rng: Rng, most: float = SIDE_CUT) -> Pixels:
    """Up to so much cut off each side, all of it off one."""
    height, width = rgb.shape[:2]
    shares = rng.uniform(0, most, 4)
    shares[rng.integers(4)] = most
    top, bottom, left, right = (
        int(s * n) for s, n in zip(shares, (height, height, width, width), strict=True)
    )
    return rgb[top : height - bottom, left : width - right]


def in_another_palette(bag: Bag, rng: Rng) -> Pixels:
    """The same transmissions as another scanner would colour them."""
    before = bag.scene.get("style")
    style = str(rng.choice([name for name in STYLES if name != before]))
    return np.asarray(colorize(bag.planes[0], bag.planes[1], style), np.uint8)


def all_at_once(bag: Bag, rng: Rng) -> Pixels:
    """Mirrored, cropped, shrunk and compressed."""
    return jpeg(scaled(cropped(bag.rgb[:, ::-1], rng), 0.7), 40)


def scanned_again(bag: Bag, rng: Rng, pixel_mm: float) -> Pixels:
    """The same things, the bag turned a little on the belt."""
    scene = Scene.from_json(bag.scene)
    turn = scene.turn_deg + float(rng.choice([-1, 1])) * float(rng.uniform(2, 8))
    return _photographed(replace(scene, turn_deg=turn, seed=scene.seed + 1), pixel_mm, bag)


def without_an_item(bag: Bag, rng: Rng, pixel_mm: float) -> Pixels:
    """The same bag with one of its prohibited items taken out."""
    scene = Scene.from_json(bag.scene)
    gone = int(rng.choice(bag.threats))
    return _photographed(
        replace(scene, placed=tuple(p for i, p in enumerate(scene.placed) if i != gone)), pixel_mm, bag
    )


def _photographed(scene: Scene, pixel_mm: float, bag: Bag) -> Pixels:
    return (
        photograph_scene(scene, scanner=Scanner(pixel_mm=pixel_mm), style=str(bag.scene["style"]))
        .photographs[0]
        .rgb
    )


def blurred(bag: Bag, rng: Rng, sigma: float) -> Pixels:
    """Out of focus."""
    return np.asarray(cv2.GaussianBlur(bag.rgb, (0, 0), sigma), np.uint8)


def narrow(bag: Bag, rng: Rng) -> Pixels:
    """A strip five times as long as it is high, at the size of the others."""
    height = bag.rgb.shape[1] // 5
    top = int(rng.integers(0, max(1, bag.rgb.shape[0] - height)))
    return scaled(bag.rgb[top : top + height], max(1.0, 220 / height))


def tiny(bag: Bag, rng: Rng) -> Pixels:
    """A thumbnail."""
    return scaled(bag.rgb, float(rng.integers(80, 190)) / min(bag.rgb.shape[:2]))


def black(bag: Bag, rng: Rng) -> Pixels:
    """A picture taken with the tube off."""
    return np.full_like(bag.rgb, 3)


Change = Callable[[Bag, Rng], Pixels]
COPIES: dict[str, Change] = {
    "compressed, JPEG quality 30": lambda bag, rng: jpeg(bag.rgb, 30),
    "scaled to 0.7": lambda bag, rng: scaled(bag.rgb, 0.7),
    "scaled to 1.5": lambda bag, rng: scaled(bag.rgb, 1.5),
    "mirrored": lambda bag, rng: bag.rgb[:, ::-1],
    "turned by 90 degrees": lambda bag, rng: np.rot90(bag.rgb),
    "cropped by up to 3 % a side": lambda bag, rng: cropped(bag.rgb, rng),
    "in another palette": in_another_palette,
    "in grey": lambda bag, rng: np.asarray(cv2.cvtColor(cv2.cvtColor(bag.rgb, 7), 8), np.uint8),
    "mirrored, cropped, scaled, compressed": all_at_once,
}
RELATIVES: dict[str, Callable[[Bag, Rng, float], Pixels]] = {
    "scanned again, turned by 2 to 8 degrees": scanned_again,
    "a prohibited item taken out": without_an_item,
}
FAULTS: dict[str, tuple[str, Change]] = {
    "blurred, 1.5 pixels": ("sharpness", partial(blurred, sigma=1.5)),
    "blurred, 3 pixels": ("sharpness", partial(blurred, sigma=3.0)),
    "a strip of 5 to 1": ("aspect", narrow),
    "under 190 pixels": ("resolution", tiny),
    "black": ("unjudged", black),
}


def png(rgb: Pixels) -> bytes:
    """A file of it."""
    return encode_png(np.ascontiguousarray(rgb))


def cut_off(bag: Bag) -> bytes:
    """Two thirds of a file."""
    data = png(bag.rgb)
    return data[: len(data) * 2 // 3]


def armed(bags: ScanSet, numbers: Iterable[int]) -> list[int]:
    """Those of some bags that hold a prohibited item."""
    return [int(n) for n in numbers if any(item["threat"] for item in bags.annotations[n])]


def pitch_of(bag: Bag) -> float:
    """Millimetres a pixel, of the scanner in a scene."""
    return float(json.loads(json.dumps(bag.scene))["scanner"]["pixel_mm"])
