"""How quick is the store of rounds: status, listing, leases, edits, at many items.

Every item gets a proposal, most a label, half of those a review; some stand in conflict. Each figure is the
median over rounds in one process. Durable writes depend on the disk: the last row says how long it
takes to write 4 kB and wait for the disk, with no database at all.

Example:
    python benchmarks/rounds_store.py --items 10000
    python benchmarks/rounds_store.py --items 10000 --store postgresql://user@host/name
"""

import argparse
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from beltline.rounds import Draft, EditedObject, NewItem, create_store

WIDTH, HEIGHT = 640, 480
Took = tuple[float, float]


def objects(rng: np.random.Generator, author: str, count: int = 3) -> tuple[EditedObject, ...]:
    """Ellipses of everyday size: as many corners as a real mask has."""
    found = []
    for _ in range(count):
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        centre = (int(rng.integers(80, WIDTH - 80)), int(rng.integers(80, HEIGHT - 80)))
        axes = (int(rng.integers(15, 70)), int(rng.integers(8, 40)))
        cv2.ellipse(mask, centre, axes, float(rng.integers(0, 180)), 0, 360, 1, -1)
        found.append(EditedObject.drawn("knife", mask, made_by=author))
    return tuple(found)


def timed(call: Callable[[], Any], rounds: int = 1) -> Took:
    """Median milliseconds on the wall, and of the processor: the second does not mind a busy machine."""
    took = []
    for _ in range(rounds):
        start = time.perf_counter(), time.process_time()
        call()
        took.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    wall, cpu = (1000 * statistics.median(column) for column in zip(*took, strict=True))
    return wall, cpu


def fill(store: Any, items: list[Any], rng: np.random.Generator) -> dict[str, Took]:
    """Milliseconds that it takes to store proposals and labels of all items."""
    some = [objects(rng, "model:clicks@5b7a") for _ in range(50)]
    offers = [Draft(i.id, "model:clicks@5b7a", "proposal", some[i.id % 50], f"offer {i.id}") for i in items]
    took = {"store a proposal of every item": timed(lambda: store.edits.add(offers))}
    labels = [
        Draft(i.id, "import:cvat", "label", some[i.id % 49], f"label {i.id}")
        for i in items[: len(items) * 4 // 5]
    ]
    took["store labels of 4 items in 5"] = timed(lambda: store.edits.add(labels))
    beside = [Draft(d.item, "import:voc", "label", d.objects, f"beside {d.item}") for d in labels[::50]]
    store.edits.add(beside)
    heads = store.edits.heads([draft.item for draft in labels[: len(labels) // 2]])
    reviews = [
        Draft(item, "person:eve", "review", edits[-1].objects, f"review {item}", tuple(e.id for e in edits))
        for item, edits in heads.items()
    ]
    store.edits.add(reviews)
    return took


def working(store: Any, rng: np.random.Generator, rounds: int) -> dict[str, Took]:
    """Milliseconds of what a person waits for."""
    made, leases = objects(rng, "person:ann"), []
    order = [item.id for item in store.items.find(state="new")]
    took = {
        "lease the next of an order": timed(
            lambda: leases.append(store.leases.take("person:ann", order)), rounds
        ),
        "heartbeat": timed(lambda: store.leases.heartbeat(leases[0].token), rounds),
    }
    waiting = iter(leases)
    took["submit 3 masks, durable"] = timed(
        lambda: store.edits.submit(next(waiting).token, made, request=uuid.uuid4().hex), rounds
    )
    took["lease a review"] = timed(lambda: store.leases.take("person:ann", purpose="review"), rounds)
    return took


def disk(folder: Path, rounds: int) -> Took:
    """Milliseconds to write 4 kB and wait for the disk."""
    with (folder / "plain").open("wb", buffering=0) as stream:

        def write() -> None:
            stream.write(bytes(4096))
            os.fsync(stream.fileno())

        return timed(write, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--store", help="URL of a database; SQLite in a temporary folder if none is named")
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        store = create_store(args.store or folder, project=uuid.uuid4().hex)
        new = [NewItem(f"images/{k}.png", f"{k:064x}", WIDTH, HEIGHT) for k in range(args.items)]
        took = {"add the items": timed(lambda: store.items.add(new))}
        took |= fill(store, store.items.find(), rng)
        took["counts (status)"] = timed(store.items.counts, args.rounds)
        took["list all items"] = timed(store.items.find, args.rounds)
        took["list the new ones"] = timed(lambda: store.items.find(state="new"), args.rounds)
        took["conflicts, with masks"] = timed(store.edits.conflicts, 5)
        took["all heads, with masks"] = timed(store.edits.heads, 3)
        took["freeze a version"] = timed(lambda: store.versions.freeze("v1"))
        took["read it back and verify"] = timed(lambda: store.versions.edits("v1"), 3)
        took |= working(store, rng, args.rounds)
        took["4 kB to the disk"] = disk(Path(folder), args.rounds)
        counts = store.items.counts()
        store.close()
    print(f"{args.items:,d} items, {counts.states}, {counts.conflicts} conflicts, {counts.edits}")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print("| what | ms | of the processor |\n|---|---|---|")
    for name, (wall, cpu) in took.items():
        print(f"| {name} | {wall:,.1f} | {cpu:,.1f} |")


if __name__ == "__main__":
    main()
