"""Damaged data sets by the hundred: every reader lets only the project's own errors through.

Run as a program, in a process of its own (a segfault or an endless allocation must not end the tests):
``python fuzz_sets.py FOLDER FIRST COUNT`` prints a JSON line for each case that failed; the one begun
last stands in ``FOLDER/last``.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import time
import traceback
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from mutations import mutate

from beltline.core import BeltlineError
from beltline.data.annotations import compare_returned
from beltline.data.annotations.archives import with_images
from beltline.data.annotations.conversion import TARGETS, convert, read_annotated
from beltline.data.curate import CurationRule, write_curated
from beltline.data.public import (
    PUBLIC_SETS,
    fake_public_set,
    import_public_set,
    pixray,
    public_set,
    verify_public_set,
)
from beltline.data.public.coco_set import fake_coco_set
from beltline.data.sixray import (
    build_subset,
    fake_sixray,
    import_sixray,
    read_index,
    sixray_statistics,
    to_image_list,
    verify,
)
from beltline.formats import read_set, verify_set

MEMORY = 1_500_000_000
SLOW_S = 10.0


def main(folder, first, count):
    """Run cases ``first`` to ``first + count - 1``."""
    os.fsync = lambda handle: None  # thousands of small files: nothing here need survive a power cut
    trees = _trees(folder / "trees")
    limit = MEMORY + _mapped()
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for name, steps in trees.items():  # a whole tree goes through, so that a damaged one gets far
        for step in steps(_copy(folder, name), np.random.default_rng(0)):
            step()
    for number in range(first, first + count):
        name = list(trees)[number % len(trees)]
        rng = np.random.default_rng(number)
        place = _copy(folder, name)
        done = [mutate(place / "tree", rng) for _ in range(1 + int(rng.random() < 0.3))]
        case = {"case": number, "tree": name, "done": done}
        (folder / "last").write_text(json.dumps(case))
        started = time.perf_counter()
        for step in trees[name](place, rng):
            found = _outcome(step)
            if time.perf_counter() - started > SLOW_S:
                found = found or f"took {time.perf_counter() - started:.0f} s"
            if found is not None:
                print(json.dumps(case | {"found": found}), flush=True)


def _copy(folder, name):
    place = folder / "case"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(folder / "trees" / name, place / "tree")
    return place


def _outcome(step):
    try:
        step()
    except BeltlineError as error:
        return None if len(str(error).splitlines()) == 1 else f"message of several lines: {error}"
    except BaseException:
        return traceback.format_exc()
    return None


def _mapped():
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def _trees(root):
    """Make the whole trees; what to do with a damaged copy of each, by name."""
    steps = {}
    for name in PUBLIC_SETS:
        fake_public_set(name, root / name, each=3 if name == "opixray" else 1)
        steps[name] = _public(name)
    fake_coco_set(root / "pixray_coco", pixray.PARTS, pixray.CLASSES, each=1, seed=0)
    steps["pixray_coco"] = _public("pixray")
    fake_sixray(root / "sixray", positives=5, negatives=5)
    steps["sixray"] = _sixray
    import_public_set(public_set("pidray"), root / "pidray", root / "set", copy=True)
    steps["set"] = _own_set
    for target in TARGETS:
        convert(read_annotated(root / "set"), root / target, target, copy=True)
        steps[target] = _annotations
    shutil.copytree(root / "cvat", root / "zip")
    steps["zip"] = _zipped
    return steps


def _public(name):
    known = public_set(name)

    def steps(place, rng):
        deep = bool(rng.random() < 0.3)
        yield lambda: _told(verify_public_set(known, place / "tree", deep=deep, workers=1))
        yield lambda: import_public_set(known, place / "tree", place / "out")
        if (place / "out" / "card.json").is_file():
            yield lambda: _through(place / "out")
            yield lambda: _converted(place / "out", place / "next", rng)

    return steps


def _sixray(place, rng):
    yield lambda: _told(verify(place / "tree", deep=rng.random() < 0.3, workers=1))
    yield lambda: import_sixray(read_index(place / "tree"), place / "out")
    yield lambda: sixray_statistics(read_index(place / "tree"))
    yield lambda: build_subset(read_index(place / "tree"), 10, seed=0)

    def boxes():
        images = to_image_list(read_index(place / "tree"))
        for i in range(len(images)):
            images.boxes(i)

    yield boxes
    if (place / "out" / "card.json").is_file():
        yield lambda: _through(place / "out")


def _own_set(place, rng):
    yield lambda: _through(place / "tree")
    yield lambda: verify_set(place / "tree")
    yield lambda: _converted(place / "tree", place / "out", rng)
    yield lambda: _curated(place)


def _annotations(place, rng):
    yield lambda: _converted(place / "tree", place / "out", rng)
    yield lambda: _curated(place)
    yield lambda: compare_returned(read_annotated(place / "tree"), read_annotated(place / "out"))


def _zipped(place, rng):
    """The tree as CVAT exports it, in half of the cases with damage to the archive itself."""
    (place / "tree").mkdir(exist_ok=True)
    back = Path(shutil.make_archive(str(place / "task"), "zip", place / "tree"))
    data = bytearray(back.read_bytes())
    for at in rng.integers(len(data), size=int(rng.integers(4)) if rng.random() < 0.5 else 0):
        data[at] = rng.integers(256)
    back.write_bytes(data)

    def converted():
        with with_images(back) as source:
            convert(read_annotated(source, "cvat"), place / "out", "coco", copy=True)

    yield converted
    yield lambda: read_annotated(back)


def _curated(place):
    curation, _ = write_curated(place / "tree", place / "curated", CurationRule(min_side=1))
    json.dumps(curation.to_json(), allow_nan=False)
    _through(place / "curated")


def _through(root):
    opened = read_set(root)
    for i in range(len(opened)):
        opened.scene(i)
        opened[i]


def _converted(source, out, rng):
    target = TARGETS[int(rng.integers(len(TARGETS)))]
    convert(read_annotated(source), out, target)
    read_annotated(out)


def _told(verdict):
    assert "\n".join(verdict.lines()).encode()
    json.dumps(verdict.to_json(), allow_nan=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
