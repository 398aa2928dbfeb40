"""Where the experiment's pictures come from: simulated bags, or an imported set with masks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, mask_window
from beltline.formats import ScanSet
from beltline.formats.click_shards import ClickShards, open_click_shards
from beltline.protocols.cells import Say
from beltline.protocols.simulated import baked_items
from beltline.protocols.xseg.data import Bag, ClickSet, Found, keep_set, kept_set
from beltline.protocols.xseg.plan import XsegScale
from beltline.simulate.click_shards import ClickPlan, write_click_shards
from beltline.training.sources import SetSource, as_picture

SHARD = 100  # bags
VISIBLE = 0.6  # share of an instance that a picture must hold for it to count there
JITTER = 0.25  # of a picture's side, by which it lies off the middle of an instance
#: Test sets of the simulator: their looks, and the seed of their bags.
SIMULATED_TESTS: Mapping[str, tuple[str, int]] = {"test": ("white", 621), "unseen look": ("unseen", 622)}
TRAINED_LOOK = "white"


@dataclass(frozen=True, eq=False)
class XsegData:
    """All sets.

    Attributes:
        train: What the methods are trained on.
        tests: Test sets by name, the first one that of the main table.
        everyday: What the stand-in for SAM's pretraining is trained on; None where there is no need for one.
        simulated: Whether ``train`` is.
    """

    train: ClickSet
    tests: Mapping[str, ClickSet]
    everyday: ClickSet | None
    simulated: bool


def simulated_data(folder: Path, scale: XsegScale, say: Say) -> XsegData:
    """Simulated bags: test items are no training items, and one test set is of a look never trained on."""
    train = simulated_set(folder / "train", TRAINED_LOOK, "train", 620, scale.train_pictures, scale, say)
    tests = {
        name: simulated_set(
            folder / name.replace(" ", "_"), look, "test", seed, scale.test_pictures, scale, say
        )
        for name, (look, seed) in SIMULATED_TESTS.items()
    }
    return XsegData(train, tests, train, simulated=True)


def simulated_set(
    folder: Path, look: str, split: str, seed: int, pictures: int, scale: XsegScale, say: Say
) -> ClickSet:
    """Bags of one look and split, made unless they are there."""
    made_of = {"look": look, "split": split, "seed": seed, **_sizes(scale, pictures)}
    found = kept_set(folder, made_of)
    if found is not None:
        return found
    library = baked_items(
        folder.parent / f"{split}-items",
        say,
        split=split,
        seed=611 if split == "train" else 612,
        pixel_mm=scale.pixel_mm,
        each=scale.each,
        threats_each=scale.threats_each,
    )
    say(f"bags of {folder.name}")
    height, width = scale.canvas
    per_bag = scale.per_bag if split == "train" and scale.window < 1 else 1
    count = min(SHARD, -(-pictures // per_bag))
    pixels = scale.window * max(scale.canvas) / scale.side  # of the scan a pixel of the picture
    area = max(6, round(scale.min_area * pixels**2 / 2))
    plan = ClickPlan(height, width, count, styles=((look, 1.0),), min_area_px=area)
    shards = folder.parent / f"{folder.name}-shards"
    write_click_shards(shards, library, plan, shards=-(-pictures // (per_bag * count)), seed=seed)
    clicks = open_click_shards(shards)
    labels = clicks.labels[1:]
    bags = bags_of(clicks)
    if scale.window < 1:
        bags = windows_of(bags, scale.window, per_bag, np.random.default_rng(seed))
    sizes: dict[str, Any] = {"side": scale.side, "min_area": scale.min_area}
    return keep_set(folder, islice(bags, pictures), labels, **sizes, made_of=made_of)


def windows_of(bags: Iterable[Bag], share: float, per_bag: int, rng: np.random.Generator) -> Iterator[Bag]:
    """Square parts of bags around a prohibited item, which lies anywhere within; masks are cut off likewise.

    An instance of which less than `VISIBLE` lies in the picture is not listed there. What sticks out of the
    scan is white. A bag without a prohibited item gives none.

    Args:
        bags: Pictures with what lies in them.
        share: Side of a part, in longer sides of the picture.
        per_bag: How many of each.
        rng: Source of chance.
    """
    for picture, found in bags:
        items = [one for one in found if one.wanted]
        side = round(share * max(picture.shape[:2]))
        for _ in range(per_bag if items else 0):
            rows, columns = mask_window(items[int(rng.integers(len(items)))].mask)
            middle = np.array([rows.start + rows.stop, columns.start + columns.stop]) / 2
            corner = np.round(middle - side / 2 + rng.uniform(-JITTER, JITTER, 2) * side).astype(int)
            top, left = corner.tolist()
            kept = []
            for one in found:
                mask = _cut(one.mask, top, left, side, False)
                if mask.sum() >= VISIBLE * one.mask.sum():
                    kept.append(one._replace(mask=mask))
            yield _cut(picture, top, left, side, 255), kept


def _cut(planes: NDArray[Any], top: int, left: int, side: int, air: int) -> NDArray[Any]:
    square = np.full((side, side, *planes.shape[2:]), air, planes.dtype)
    y1, x1 = max(0, top), max(0, left)
    part = planes[y1 : max(0, top + side), x1 : max(0, left + side)]
    square[y1 - top : y1 - top + part.shape[0], x1 - left : x1 - left + part.shape[1]] = part
    return square


def bags_of(clicks: ClickShards) -> Iterator[Bag]:
    """All bags of click shards; prohibited items are wanted."""
    for image in clicks.images:
        found = []
        for row in clicks.rows(image):
            one = clicks.objects[row]
            label = max(0, int(one["label"]) - 1)  # 0 in the shards are everyday things
            facts = (label, bool(one["threat"]), float(one["occlusion"]), float(one["metal_share"]))
            found.append(Found(*facts, clicks.mask(int(row))))
        yield np.moveaxis(clicks.picture(image), 0, 2), found


def real_data(data: ScanSet, folder: Path, scale: XsegScale, say: Say, *, everyday: bool = True) -> XsegData:
    """An imported set with masks; every named part of its test split is a test set.

    Args:
        data: As ``beltline data import`` writes it, with the splits and parts of the published set.
        folder: For the pictures at the experiment's side, and the simulated everyday things.
        scale: Side and smallest instance.
        say: Receives progress.
        everyday: Whether to simulate everyday things for the pretraining.

    Raises:
        BadInputError: If the set has no masks, or no split of the name train or test.
    """
    rows = _splits(data)
    kept: dict[str, ClickSet] = {}
    for name, numbers in rows.items():
        made_of = {"root": str(data.root.resolve()), "rows": len(numbers), **_sizes(scale, 0)}
        target = folder / f"real-{name}"
        found = kept_set(target, made_of)
        if found is None:
            say(f"reading {name}, {len(numbers)} scans")
            bags = _scans(data, numbers)
            sizes: dict[str, Any] = {"side": scale.side, "min_area": scale.min_area}
            found = keep_set(target, bags, data.classes, **sizes, made_of=made_of)
        kept[name] = found
    things = None
    if everyday:
        things = simulated_set(folder / "train", TRAINED_LOOK, "train", 620, scale.train_pictures, scale, say)
    return XsegData(kept.pop("train"), kept, things, simulated=False)


def _splits(data: ScanSet) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {"train": [], "test": []}
    for number, record in enumerate(data.records):
        split = record.get("split")
        if split not in rows or not record.get("annotated", True):
            continue
        rows[split].append(number)
        for part in record.get("parts", ()) if split == "test" else ():
            rows.setdefault(f"test {part}", []).append(number)
    if not rows["train"] or not rows["test"]:
        raise BadInputError(
            f"{data.root}: {len(rows['train'])} training and {len(rows['test'])} test scans; expected a set"
            " as beltline data import writes it, with the published splits"
        )
    return rows


def _scans(data: ScanSet, rows: list[int]) -> Iterator[Bag]:
    source = SetSource(data, data.classes, tuple(rows))
    for number in range(len(source)):
        sample = source[number]
        found = sample.instances
        assert found is not None
        if found.masks is None and len(found):
            raise BadInputError(f"{data.root}: {data.names[rows[number]]} has boxes without masks")
        bag = []
        for place in np.flatnonzero(found.counted):
            assert found.masks is not None
            occlusion = np.nan if found.occlusion is None else float(found.occlusion[place])
            label = data.classes.index(found.labels[place])
            mask = found.masks[int(place)]
            if mask.any():
                bag.append(Found(label, True, occlusion, np.nan, mask))
        yield as_picture(sample.scan), bag


def _sizes(scale: XsegScale, pictures: int) -> dict[str, Any]:
    made = ("canvas", "pixel_mm", "each", "threats_each", "window", "per_bag")
    names = ("min_area", *(made if pictures else ()))
    settings = asdict(scale)
    return {"side": scale.side, "pictures": pictures, **{name: settings[name] for name in names}}
