"""The sets of the Durham experiment: simulated devices and their twins, or a user's own devices.

Of simulated ones there are also kinds and families that only a test sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from beltline.core import BadInputError
from beltline.formats.device_shards import DeviceShards, open_device_shards
from beltline.protocols.cells import Say
from beltline.protocols.durham.plan import KNOWN_DEVICES, TEST, UNSEEN_DEVICES, UNSEEN_KINDS, DurhamScale
from beltline.protocols.simulated import baked_items
from beltline.screening.device_sets import write_device_set
from beltline.simulate import PAPER_KINDS, BagRecipe, ElectronicsRecipe
from beltline.simulate.bags import SPLITS, Split
from beltline.simulate.device_shards import DeviceShardPlan, write_device_shards

PER_SHARD = 50
Names = tuple[str, ...]
OWN_SETS = ("train", "val", "test")
SETS = ("train", "val", "test", "unseen_kinds", "unseen_devices")  # each drawn with the seed of its number


@dataclass(frozen=True, eq=False)
class DurhamData:
    """Devices to train on, to choose on, and test sets by name, the main one first.

    Attributes:
        train: To train on.
        val: To choose on.
        tests: By name.
        told: What they are, for a reader.
    """

    train: DeviceShards
    val: DeviceShards
    tests: Mapping[str, DeviceShards]
    told: str

    @property
    def masked(self) -> bool:
        """Whether it is known where things are hidden; without, no part can be taught or judged."""
        return all(bool((s.parts["label"] == 1).any()) for s in (self.train, self.val, self.tests[TEST]))


def simulated_data(root: Path, scale: DurhamScale, say: Say) -> DurhamData:
    """Compose what is not there yet.

    Test sets: known kinds in known families; kinds that nothing was trained on; families likewise.
    """
    labels = sorted(BagRecipe().everyday_prohibited)
    for split in SPLITS:
        baked_items(
            root / f"{split}-items", say, seed=SPLITS.index(split), split=split, pixel_mm=scale.pixel_mm,
            each=scale.each, per_class=scale.each, labels=labels,
        )  # fmt: skip

    def made(
        name: str, split: Split, count: int, families: tuple[str, ...], kinds: tuple[str, ...]
    ) -> DeviceShards:
        say(f"devices of {name}")
        recipe = ElectronicsRecipe(
            families, kinds, hardest=scale.hardest, twins=True, in_bags=scale.in_bags, split=split
        )
        shards = max(round(count / PER_SHARD), 1)
        plan = DeviceShardPlan(pairs=-(-count // shards), styles=((scale.look, 1.0),))
        library = baked_items(root / f"{split}-items", say)
        write_device_shards(root / name, library, recipe, plan, shards=shards, seed=SETS.index(name))
        return open_device_shards(root / name)

    return DurhamData(
        made("train", "train", scale.train, KNOWN_DEVICES, PAPER_KINDS),
        made("val", "val", scale.val, KNOWN_DEVICES, PAPER_KINDS),
        {
            TEST: made("test", "test", scale.test, KNOWN_DEVICES, PAPER_KINDS),
            "unseen kinds": made("unseen_kinds", "test", scale.test, KNOWN_DEVICES, UNSEEN_KINDS),
            "unseen devices": made("unseen_devices", "test", scale.test, UNSEEN_DEVICES, PAPER_KINDS),
        },
        "**Simulated devices**, each with its benign twin",
    )


def own_data(root: Path, out: Path, say: Say) -> DurhamData:
    """Cut what is not cut yet out of a user's sets ``train``, ``val`` and ``test``.

    Args:
        root: Holds the three: each a set with masks of devices, or a folder with ``benign/`` and
            ``anomalous/``. Who splits keeps all scans of one device together.
        out: Folder of the shards.
        say: Receives progress.

    Raises:
        BadInputError: If one is missing, or holds no devices.
    """
    missing = [name for name in OWN_SETS if not (root / name).is_dir()]
    if missing:
        raise BadInputError(
            f"{root}: has no {', '.join(missing)}/; expected train/, val/ and test/, each a set with masks of"
            f" devices or a folder with benign/ and anomalous/"
        )
    found = {}
    for name in OWN_SETS:
        say(f"devices of {name}")
        write_device_set(root / name, out / name)
        found[name] = open_device_shards(out / name)
    return DurhamData(found["train"], found["val"], {TEST: found["test"]}, "**Devices of your own**")
