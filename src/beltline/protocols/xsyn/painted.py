"""Painted and projected items, in pieces that are kept: what every arm is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beltline.core.square_window import SquareWindow, window_around
from beltline.models.attention_store import SIDE
from beltline.protocols.cells import save_arrays
from beltline.protocols.xsyn.arms import Generator, Maps
from beltline.protocols.xsyn.data import Scans, XsynData
from beltline.protocols.xsyn.painters import WINDOW, PainterInUse
from beltline.protocols.xsyn.plan import XsynScale
from beltline.protocols.xsyn.tasks import draw_task, laid_item, region_rule
from beltline.protocols.xsyn.views import from_stored, stored
from beltline.synthesis.diffusion.sampling import SamplerSettings
from beltline.synthesis.diffusion.window_painter import PaintedWindows
from beltline.synthesis.tip import project
from beltline.systems.xsyn.painting import paint

Floats = NDArray[np.float32]
PIECE = 16  # windows kept together
BATCH = 8  # items painted at a time
SEED = 0  # of what is made; cells differ in the detector's seed


@dataclass(frozen=True, eq=False)
class Made:
    """n windows with M added items.

    Attributes:
        codes: (n, C, S, S) uint8, 255 times what a painter reads; before anything hides an item (BOM).
        source: (n,) rows of the bags, or of the real windows.
        image: (M,) number of the window.
        label: (M,) class.
        layout: (M, 4) xyxy pixels: where it was painted; of a projected one, its exact box.
        square: (M, 3) top, left and side of the window that the painter saw, pixels; 0 where none did.
        attention: (M, 16, 16); 0 where none was read.
    """

    codes: NDArray[np.uint8]
    source: NDArray[np.int64]
    image: NDArray[np.int64]
    label: NDArray[np.int64]
    layout: NDArray[np.float64]
    square: NDArray[np.int64]
    attention: Floats

    def __len__(self) -> int:
        return len(self.source)

    def first(self, count: int) -> Made:
        """The first so many windows."""
        kept = self.image < count
        parts = {
            name: getattr(self, name)[kept] for name in ("image", "label", "layout", "square", "attention")
        }
        return Made(self.codes[:count], self.source[:count], **parts)

    def window(self, item: int) -> SquareWindow:
        """What the painter saw of an item's window."""
        top, left, side = (int(value) for value in self.square[item])
        return SquareWindow(top, left, side, WINDOW)


@dataclass(frozen=True, eq=False)
class Makers:
    """What pieces are made of and by.

    Attributes:
        data: All sets.
        scale: How items are painted.
        use: The painter.
        folder: Where pieces are kept.
    """

    data: XsynData
    scale: XsynScale
    use: PainterInUse
    folder: Path

    def pieces(self, generator: Generator, count: int, *, maps: Maps, percent: int) -> Iterator[Made]:
        """Pieces that together hold ``count`` windows, made unless they are kept.

        Args:
            generator: Which.
            count: Windows.
            maps: How attention is read; another way is another painting, with the same pixels.
            percent: Of the real windows whose items are projected, and to which items are added where there
                are no benign ones; 100 for all.
        """
        name = f"{generator}{'' if maps == 'conditional' else f'-{maps}'}{'' if percent == 100 else percent}"
        for number in range(-(-count // PIECE)):
            path = self.folder / name / f"{number:04d}.npz"
            if not path.is_file():
                path.parent.mkdir(parents=True, exist_ok=True)
                made = self._make(generator, number, maps, percent)
                save_arrays(path, **{one.name: getattr(made, one.name) for one in fields(Made)})
            with np.load(path) as kept:
                yield Made(**dict(kept)).first(count - number * PIECE)

    def _make(self, generator: Generator, number: int, maps: Maps, percent: int) -> Made:
        rows = range(number * PIECE, (number + 1) * PIECE)
        if generator == "M":
            return self._repainted([row for row in rows if row < len(self.data.real)], maps)
        if generator == "truth":
            assert self.data.true is not None
            return self._true([row for row in rows if row < len(self.data.true)])
        laid = self._projected(rows, generator, percent)
        if generator == "TIP":
            return laid
        if generator == "A":
            return self._painted(laid, self.data.bags, maps)
        return self._painted(laid, self.data.bags, maps, starts=laid.codes)

    def _projected(self, rows: Sequence[int], generator: Generator, percent: int) -> Made:
        """Items projected; for Xsyn-A only the places, with the layouts in place of the exact boxes."""
        data, rule = self.data, region_rule(self.data)
        known = len(data.real) if percent == 100 else self.scale.real_windows(percent)
        items = [item for item in data.items if int(item.article) < known]
        bags = known if data.bags is data.real else len(data.bags)
        codes, boxes, tasks = [], [], []
        for row in rows:
            task = draw_task(data, row, items, rule, bags=bags, seed=SEED)
            item, corner = laid_item(task, items, data.size)
            laid = project(data.bags.window(task.bag), item, corner)
            codes.append(stored(data.view.codes(laid.pixels)))
            boxes.append(task.layout if generator == "A" else laid.box)
            tasks.append(task)
        labels, sources = np.array([task.label for task in tasks]), [task.bag for task in tasks]
        return unpainted(np.stack(codes), sources, np.arange(len(tasks)), labels, np.array(boxes))

    def _repainted(self, rows: Sequence[int], maps: Maps) -> Made:
        real = self.data.real
        each = [real.of(row) for row in rows]
        objects = [(n, k, box) for n, o in enumerate(each) for k, box in zip(o.label, o.box, strict=True)]
        image, label, box = (np.array(column) for column in zip(*objects, strict=True))
        before = np.stack([stored(self.data.view.codes(real.window(row))) for row in rows])
        return self._painted(unpainted(before, rows, image, label, box), real, maps)

    def _true(self, rows: Sequence[int]) -> Made:
        assert self.data.true is not None
        true, objects = self.data.true, [self.data.true.of(row) for row in rows]
        codes = np.stack([stored(self.data.view.codes(true.window(row))) for row in rows])
        image = np.concatenate([np.full(len(o), n) for n, o in enumerate(objects)])
        label, box = (np.concatenate([getattr(o, name) for o in objects]) for name in ("label", "box"))
        return unpainted(codes, rows, image, label, box)

    def _painted(
        self, places: Made, scans: Scans, maps: Maps, *, starts: NDArray[np.uint8] | None = None
    ) -> Made:
        """Items painted at the places, those of one window one after the other."""
        codes = np.stack([self.data.view.codes(scans.window(int(row))) for row in places.source])
        square, attention = places.square.copy(), places.attention.copy()
        for turn in _turns(places.image):
            for first in range(0, len(turn), BATCH):
                batch = turn[first : first + BATCH]
                windows = [window_around(places.layout[item].tolist(), WINDOW) for item in batch]
                found = self._paint(places, batch, windows, codes, maps, starts)
                for item, window, after, seen in zip(
                    batch, windows, found.windows, found.attention, strict=True
                ):
                    image = places.image[item]
                    before = window.cut(codes[image], self.data.view.air)
                    codes[image] = changed(codes[image], window, after - before)
                    square[item] = window.top, window.left, window.side
                    attention[item] = seen
        return replace(places, codes=stored(codes), square=square, attention=attention)

    def _paint(
        self,
        places: Made,
        batch: NDArray[np.intp],
        windows: Sequence[SquareWindow],
        codes: Floats,
        maps: Maps,
        starts: NDArray[np.uint8] | None,
    ) -> PaintedWindows:
        scale, images = self.scale, places.image[batch]

        def cut(planes: Floats) -> Floats:
            return np.stack([w.cut(one, self.data.view.air) for w, one in zip(windows, planes, strict=True)])

        boxes = [w.box_inside(places.layout[i].tolist()) for w, i in zip(windows, batch, strict=True)]
        chance = np.random.default_rng((SEED, 13, *places.source[images]))
        strength = 1.0 if starts is None else scale.sdedit_strength
        return paint(
            self.use.painter,
            cut(codes[images]),
            self.use.numbers([self.data.classes[label] for label in places.label[batch]]).tolist(),
            np.clip(np.stack(boxes) / WINDOW, 0, 1),
            seed=int(chance.integers(2**40)),
            settings=SamplerSettings(scale.sampler_steps, scale.guidance, strength=strength),
            starts=None if starts is None else cut(from_stored(starts[images])),
            released=maps == "mixed",
        )


def unpainted(
    codes: NDArray[np.uint8],
    source: Sequence[int],
    image: NDArray[np.int64],
    label: NDArray[np.int64],
    layout: NDArray[np.floating],
) -> Made:
    """Windows whose items no painter saw."""
    count = len(image)
    square, attention = np.zeros((count, 3), np.int64), np.zeros((count, SIDE, SIDE), np.float32)
    return Made(codes, np.array(source), image, label, np.asarray(layout, np.float64), square, attention)


def changed(codes: Floats, window: SquareWindow, change: Floats) -> Floats:
    """Codes (C, S, S) with the change of a window (C, s, s) laid on; nothing else is brought to its size."""
    whole = codes + window.put(np.zeros_like(codes), change)
    return np.asarray(np.clip(whole, 0, 1), np.float32)


def _turns(image: NDArray[np.int64]) -> Iterator[NDArray[np.intp]]:
    """Numbers of items, the first of every window, the second, and so on."""
    nth = np.array([(image[:n] == one).sum() for n, one in enumerate(image)])
    for turn in range(int(nth.max(initial=-1)) + 1):
        yield np.flatnonzero(nth == turn)
