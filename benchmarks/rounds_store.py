"""How quick are rounds at many items: ``status`` and ``pick`` from end to end, then what they are made of.

Every item gets a proposal, most a label, half of those a review; some stand in conflict. The first rows are
the two commands, imports and page included; ``pick`` runs with a survey that is there and with a stub for the
models' answers, but loads them, reads the scans that it picks and stores a durable proposal of each. The rows
under them are their largest parts. Every other figure is the median over rounds in one process. Durable
writes depend on the disk: the last row says how long it takes to write 4 kB and wait for the disk, with no
database at all.

Example:
    python benchmarks/rounds_store.py --items 10000
    python benchmarks/rounds_store.py --items 10000 --store postgresql://user@host/name
"""

import argparse
import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np

from beltline.core import STARTER_CLASSES
from beltline.formats.images import encode_png
from beltline.rounds import Draft, EditedObject, NewItem, Pick, create_store
from beltline.rounds.current_models import clicker_of, detector_of, with_default_models
from beltline.rounds.pick import pick
from beltline.rounds.prelabels import PreLabel, Proposal
from beltline.rounds.project import Project
from beltline.rounds.round_figures import current_figures
from beltline.rounds.status import status_lines, status_of
from beltline.rounds.status_page import render_status
from beltline.rounds.survey import surveyed
from beltline.rounds.working import pick_round

WIDTH, HEIGHT = 640, 480
PICKED, OF_GATE = 40, 8  # scans of a round
Took = tuple[float, float]


def begun(folder: Path, url: str | None) -> Project:
    """A project with the shipped models and no scans."""
    (folder / "scans").mkdir()
    project = Project(folder / "rounds", folder / "scans", STARTER_CLASSES, store=url, name=uuid.uuid4().hex)
    return with_default_models(project)


def round_of(count: int) -> list[int]:
    """Places of the items of a round that is labelled: at even distances below four fifths."""
    return list(range(0, count * 4 // 5, count * 4 // 5 // (PICKED + OF_GATE)))


def scans(source: Path, count: int, opened: set[int]) -> list[NewItem]:
    """Items, every fifth of the gate; of those that somebody opens there is a file."""
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    for k in range(12):
        cv2.rectangle(picture, (40 * k, 30 * k), (40 * k + 150, 30 * k + 90), (90, 20 * k, 140), -1)
    found = []
    for k in range(count):
        name, sha256 = f"{k}.png", f"{k:064x}"
        if k in opened:
            numbered = cv2.putText(picture.copy(), name, (20, 460), cv2.FONT_HERSHEY_PLAIN, 2.0, (0, 0, 0))
            (source / name).write_bytes(data := encode_png(numbered))
            sha256 = hashlib.sha256(data).hexdigest()
        found.append(NewItem(name, sha256, WIDTH, HEIGHT, "pool" if k % 5 else "gate"))
    return found


def objects(rng: np.random.Generator, author: str, count: int = 3) -> tuple[EditedObject, ...]:
    """Ellipses of everyday size: as many corners as a real mask has."""
    found = []
    for _ in range(count):
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        centre = (int(rng.integers(80, WIDTH - 80)), int(rng.integers(80, HEIGHT - 80)))
        axes = (int(rng.integers(15, 70)), int(rng.integers(8, 40)))
        cv2.ellipse(mask, centre, axes, float(rng.integers(0, 180)), 0, 360, 1, -1)
        label = STARTER_CLASSES[int(rng.integers(len(STARTER_CLASSES)))]
        found.append(EditedObject.drawn(label, mask, made_by=author))
    return tuple(found)


def processor() -> float:
    """Seconds that this process and the ended ones that it began have had of the processor."""
    ended = os.times()
    return time.process_time() + ended.children_user + ended.children_system


def timed(call: Callable[[], Any], rounds: int = 1) -> Took:
    """Median milliseconds on the wall, and of the processor: the second does not mind a busy machine."""
    took = []
    for _ in range(rounds):
        start = time.perf_counter(), processor()
        call()
        took.append((time.perf_counter() - start[0], processor() - start[1]))
    wall, cpu = (1000 * statistics.median(column) for column in zip(*took, strict=True))
    return wall, cpu


def fill(store: Any, items: list[Any], rng: np.random.Generator) -> dict[str, Took]:
    """Milliseconds that it takes to store proposals and labels of all items; labels grow from proposals."""
    some = [objects(rng, "model:clicks@5b7a") for _ in range(50)]
    offers = [Draft(i.id, "model:clicks@5b7a", "proposal", some[i.id % 50], f"offer {i.id}") for i in items]
    offered: list[Any] = []
    took = {"store a proposal of every item": timed(lambda: offered.extend(store.edits.add(offers)))}
    labels = [
        Draft(o.item, "import:cvat", "label", grown(some[o.item % 49]), f"label {o.item}", (o.id,))
        for o in offered[: len(items) * 4 // 5]
    ]
    took["store labels of 4 items in 5"] = timed(lambda: store.edits.add(labels))
    beside = [Draft(d.item, "import:voc", "label", d.objects, f"beside {d.item}") for d in labels[::50]]
    store.edits.add([replace(one, objects=grown(one.objects, None)) for one in beside])
    heads = store.edits.heads([draft.item for draft in labels[: len(labels) // 2]])
    reviews = [
        Draft(
            item,
            "person:eve",
            "review",
            grown(edits[0].objects),
            f"review {item}",
            tuple(e.id for e in edits),
        )
        for item, edits in heads.items()
    ]
    store.edits.add(reviews)
    return took


def grown(found: tuple[EditedObject, ...], proposed: int | None = 0) -> tuple[EditedObject, ...]:
    """Objects, each grown from the one of its number in the first base, or from none."""
    return tuple(replace(o, proposed=None if proposed is None else n) for n, o in enumerate(found))


def steps(project: Project, store: Any, rounds: int) -> dict[str, Took]:
    """Milliseconds of ``status`` and ``pick`` as a person waits for them, and of their largest parts."""
    last, page = store.rounds.last(), project.folder / "status.html"
    command = [sys.executable, "-m", "beltline", "rounds", "status", str(project.folder)]

    def status(*options: str) -> None:
        subprocess.run([*command, *options], check=True, capture_output=True)

    took = {
        "status, the command": timed(status, 5),
        "status --html, the command": timed(lambda: status("--html", str(page)), 5),
        "status, lines alone": timed(lambda: status_lines(status_of(project, store)), rounds),
        "- figures of the last round": timed(lambda: current_figures(store, last), rounds),
        "- counts": timed(store.items.counts, rounds),
    }
    found = status_of(project, store)
    took["status, the page"] = timed(lambda: render_status(found, store), 3)
    pool = [item.id for item in store.items.find(split="pool")]
    free = [item.id for item in store.items.find(split="pool", state="new")]
    seen, rng = sorted(set(pool) - set(free)), np.random.default_rng(0)

    def look(*_: Any) -> PreLabel:
        mask = np.zeros((HEIGHT, WIDTH), bool)
        mask[100:160, 200:330] = True
        one = Proposal("knife", mask, (200, 100, 330, 160), 0.9, 0.8, float(rng.random()))
        return PreLabel((one,), rng.random(len(project.classes)), rng.random(81, np.float32))

    took["survey of all scans, no models"] = timed(
        lambda: surveyed(project.folder, len(project.classes), pool, lambda _: None, look)
    )
    survey = surveyed(project.folder, len(project.classes), pool, lambda _: None, look)
    with patch("beltline.rounds.working.prelabel", look):
        took["pick, a survey at hand"] = timed(lambda: pick_round(project, PICKED, gate=OF_GATE))
    took["- load both models"] = timed(lambda: (detector_of(project), clicker_of(project)))
    took["- list the pool"] = timed(lambda: store.items.find(split="pool"), rounds)
    took["- count what is labelled"] = timed(store.edits.labels, 3)
    counts, known = np.ones(len(project.classes)), survey.candidates(seen).embeddings
    took["- choose"] = timed(
        lambda: pick(survey.candidates(free), PICKED, labelled=counts, seen=known, rng=rng), 3
    )
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
        project = begun(Path(folder), args.store)
        store = create_store(args.store or project.folder, project=project.name, classes=project.classes)
        last = round_of(args.items)
        new = scans(project.source, args.items, {*last, *range(args.items * 4 // 5, args.items)})
        took = {"add the items": timed(lambda: store.items.add(new))}
        items = store.items.find()
        took |= fill(store, items, rng)
        store.rounds.start({"clicks": "5b7a"}, [Pick(items[k].id, "entropy") for k in last])
        took = steps(project, store, args.rounds) | took
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
