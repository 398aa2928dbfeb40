"""Index and subsets of a SIXray-sized list: seconds and memory, beside csv.reader into lists.

Writes a generated list of 1,059,231 rows (no image is needed) and, with ``--images``, that many empty files.
Every run is a process of its own, so that the peak of memory is its own; rounds alternate.

Example:
    python benchmarks/sixray_index.py --rounds 3 --images 200000
"""

import argparse
import csv
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from beltline.data.sixray import RATIOS, build_subset, read_index, write_subset
from beltline.data.sixray.fake import fake_label_rows
from beltline.data.sixray.lists import LabelList, write_label_list

POSITIVES, NEGATIVES = 8929, 1_050_302


def ours(root: Path, out: Path) -> dict[str, float]:
    start = time.perf_counter()
    index = read_index(root)
    indexed = time.perf_counter()
    write_subset(out, index, build_subset(index, 1000, listed=True))
    return {"index_s": indexed - start, "subset_s": time.perf_counter() - indexed, "rows": len(index)}


def plain(root: Path) -> dict[str, float]:
    """What the released reader does: every row through csv.reader into a list and an array."""
    start = time.perf_counter()
    rows: dict[str, list[int]] = {}
    for path in sorted((root / "ImageSet").rglob("*.csv")):
        with path.open(newline="") as stream:
            reader = csv.reader(stream)
            next(reader)
            for row in reader:
                rows[row[0]] = [int(value) for value in row[1:]]
    labels = np.array(list(rows.values()), np.int8)
    present = np.zeros(len(labels), np.bool_)
    folder = root / "JPEGImage"
    on_disk = {name[:-4] for name in os.listdir(folder)} if folder.is_dir() else set()
    for number, name in enumerate(rows):
        present[number] = name in on_disk
    return {"index_s": time.perf_counter() - start, "rows": len(labels)}


def peak_mb() -> float:
    """Peak memory of this process alone; getrusage would count the parent's before exec."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1e3


def write_six_lists(root: Path) -> None:
    """ImageSet/{10,100,1000}/{train,test}.csv as published, two million rows, in place of the one list."""
    index = read_index(root)
    for ratio in RATIOS:
        write_subset(root / "ImageSet" / str(ratio), index, build_subset(index, ratio, listed=True))
    (root / "ImageSet" / "all.csv").unlink()


def in_a_process(side: str, root: Path, out: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, "--side", side, "--root", root, "--out", out],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    result: dict[str, float] = json.loads(done.stdout)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=0, help="empty files to write and list")
    parser.add_argument("--six-lists", action="store_true", help="the published six lists, 2 million rows")
    parser.add_argument("--side", choices=["ours", "plain"], help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        result = ours(args.root, args.out) if args.side == "ours" else plain(args.root)
        result["peak_mb"] = peak_mb()
        print(json.dumps(result))
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "copy"
        names, labels = fake_label_rows(POSITIVES, NEGATIVES)
        write_label_list(root / "ImageSet" / "all.csv", LabelList(np.array(names), labels))
        if args.six_lists:
            write_six_lists(root)
        (root / "JPEGImage").mkdir()
        for name in names[: args.images]:
            (root / "JPEGImage" / f"{name}.jpg").touch()
        rounds = [[in_a_process(s, root, root.with_name("out")) for s in ("ours", "plain")]
                  for _ in range(args.rounds)]  # fmt: skip
    print(
        f"{len(names):,d} rows, {args.images:,d} files, {args.rounds} rounds, load {os.getloadavg()[0]:.1f}\n"
    )
    print("| what | index s | SIXray1000 s | peak MB |\n|---|---|---|---|")
    for column, title in enumerate(("Beltline", "csv.reader, no checks, no subset")):
        runs = [pair[column] for pair in rounds]
        cells = [
            f"{statistics.median(run[key] for run in runs):.2f}" if key in runs[0] else ""
            for key in ("index_s", "subset_s", "peak_mb")
        ]
        print(f"| {title} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
