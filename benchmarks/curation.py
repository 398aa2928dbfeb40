"""What `beltline data curate` finds: simulated bags with planted faults and copies, recall and false alarms.

    beltline simulate bags --bags 400 --seed 1 --pixel-mm 1.2
    python benchmarks/curation.py bags --out docs/reports/curation

writes faults.csv (what is found of each kind, and what of untouched bags is left out) and speed.csv (pictures
a second, and the search for duplicates among 150,000 codes).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from planted_faults import COPIES, FAULTS, RELATIVES, Bag, armed, cut_off, pitch_of, png

from beltline.data.curate import CodeIndex, Curation, CurationRule, Rejection, curate
from beltline.formats import read_set
from beltline.metrics import wilson
from beltline.protocols.tables import markdown, write_csv
from beltline.screening.judgeable import why_not_judged

EACH_COPY, EACH_RELATIVE, EACH_FAULT = 60, 40, 20
CODES = 150_000
GROUPS = {"fault": (*FAULTS, "cut off file"), "copy": tuple(COPIES), "relative": tuple(RELATIVES)}
EXPECTED = {**{kind: reason for kind, (reason, _) in FAULTS.items()}, "cut off file": "unreadable"}
Row = dict[str, str]


def plant(source: Path, out: Path, seed: int) -> dict[str, list[str]]:
    """Write the pictures of a set with faults in place of some and copies beside others; names by kind."""
    rng = np.random.default_rng(seed)
    color, raw = read_set(source), read_set(source, pixels="transmission")
    order = [int(number) for number in rng.permutation(len(color))]
    planted: dict[str, list[str]] = {}
    for kind, number in _faults(order):
        bag = Bag.read(color, raw, number)
        data = cut_off(bag) if kind == "cut off file" else png(FAULTS[kind][1](bag, rng))
        planted.setdefault(kind, []).append(_write(out, color.names[number], "", data))
    whole = order[len(list(_faults(order))) :]
    for number in whole:
        planted.setdefault("untouched", []).append(
            _write(out, color.names[number], "", color.path(number).read_bytes())
        )
    for kind, change in COPIES.items():
        for number in rng.choice(whole, min(EACH_COPY, len(whole)), replace=False):
            data = png(change(Bag.read(color, raw, int(number)), rng))
            planted.setdefault(kind, []).append(_write(out, color.names[int(number)], kind, data))
    holding = armed(color, whole)
    for kind, draw in RELATIVES.items():
        for number in rng.choice(holding, min(EACH_RELATIVE, len(holding)), replace=False):
            bag = Bag.read(color, raw, int(number))
            data = png(draw(bag, rng, pitch_of(bag)))
            planted.setdefault(kind, []).append(_write(out, color.names[int(number)], kind, data))
    return planted


def _faults(order: list[int]) -> Iterator[tuple[str, int]]:
    kinds = [*FAULTS, "cut off file"]
    for place, number in enumerate(order[: EACH_FAULT * len(kinds)]):
        yield kinds[place // EACH_FAULT], number


def _write(out: Path, name: str, kind: str, data: bytes) -> str:
    """File name: the bag, two underscores, the kind."""
    file = f"{name}__{kind.replace(' ', '-').replace('%', '').replace(',', '')}.png"
    (out / file).write_bytes(data)
    return file


def found(curation: Curation, planted: dict[str, list[str]]) -> list[Row]:
    """A row for each kind."""
    reasons = {curation.file(n): r for n, r in curation.rejected.items()}
    twins: dict[str, set[str]] = {}
    for file, rejection in reasons.items():
        if rejection.reason == "duplicate":
            twins.setdefault(_bag(file), set()).update((file, rejection.twin))
    rows = []
    for kind, files in planted.items():
        if kind == "untouched":
            continue
        group = next(name for name, kinds in GROUPS.items() if kind in kinds)
        expected = EXPECTED.get(kind, "duplicate")
        elsewhere = [f for f in files if f in reasons and reasons[f].reason not in (expected, "duplicate")]
        came = [f for f in files if f not in elsewhere or group == "fault"]
        hits = [_found(f, expected, reasons, twins) for f in came]
        rows.append(_row(group, kind, expected, hits, str(len(elsewhere))))
    untouched = planted["untouched"]
    for reason in ("unreadable", "unjudged", "resolution", "aspect", "sharpness"):
        hits = [f in reasons and reasons[f].reason == reason for f in untouched]
        rows.append(_row("untouched", "nothing", reason, hits, ""))
    strangers = [f in reasons and reasons[f].reason == "duplicate" and _bag(reasons[f].twin) != _bag(f)
                 for files in planted.values() for f in files]  # fmt: skip
    rows.append(_row("all", "twin is another bag", "duplicate", strangers, ""))
    return rows


def _bag(file: str) -> str:
    return file.partition("__")[0]


def _found(file: str, expected: str, reasons: dict[str, Rejection], twins: dict[str, set[str]]) -> bool:
    """Whether a picture was left out as it should be; a copy as well where its original was for its sake."""
    if expected == "duplicate":
        return file in twins.get(_bag(file), ())
    return file in reasons and reasons[file].reason == expected


def _row(group: str, kind: str, expected: str, hits: list[bool], other: str) -> Row:
    rate = wilson(sum(hits), len(hits))
    said = f"{100 * rate.value:.1f} % [{100 * rate.low:.1f}, {100 * rate.high:.1f}]"
    return {
        "group": group, "planted": kind, "filter": expected, "pictures": str(len(hits)), "left out": said,
        "by an earlier filter": other,
    }  # fmt: skip


def speeds(curation: Curation, seconds: float) -> list[Row]:
    """Processor time of one core that pictures and codes take."""
    rows = [{
        "work": f"curating {len(curation.measures):,d} pictures",
        "seconds": f"{seconds:.0f}",
        "a second": f"{len(curation.measures) / seconds:.0f} pictures",
        "150,000 pictures": f"{CODES / 60 * seconds / len(curation.measures):.0f} min of one core",
    }]  # fmt: skip
    rng = np.random.default_rng(0)
    bits = np.unpackbits(np.ascontiguousarray(curation.measures.codes).view(np.uint8).reshape(-1, 8), axis=1)
    alike = rng.random((CODES, 64)) < bits.mean(0)
    drawn = {
        "random codes": rng.integers(0, 2**64, CODES, dtype=np.uint64),
        "codes with bits set as often as in the bags": np.packbits(alike, axis=1).view(np.uint64)[:, 0],
    }
    CodeIndex(1, bits=10).near(np.uint64(0))  # compiles
    for name, codes in drawn.items():
        index, started, near = CodeIndex(CODES, bits=CurationRule().code_bits), time.process_time(), 0
        for code in codes:
            near += len(index.near(code)[0])
            index.add(code)
        took = time.process_time() - started
        rows.append({
            "work": f"search among {CODES:,d} {name}, {near:,d} candidates",
            "seconds": f"{took:.0f}",
            "a second": f"{CODES / took:,.0f} searches",
            "150,000 pictures": f"{took / 60:.1f} min of one core",
        })  # fmt: skip
    return rows


def main() -> None:
    """Write and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("bags", type=Path, help="a simulated set with raw transmissions and scenes")
    parser.add_argument("--out", type=Path, default=Path("docs/reports/curation"))
    parser.add_argument("--planted", type=Path, help="keep the planted pictures in this new folder")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.planted or Path(scratch)
        folder.mkdir(exist_ok=True)
        planted = plant(args.bags, folder, seed=0)
        started = time.process_time()
        curation = curate(folder, judge=why_not_judged)
        seconds = time.process_time() - started
        tables = {"faults": found(curation, planted), "speed": speeds(curation, seconds)}
    print("\n".join(curation.lines()))
    for name, rows in tables.items():
        print(markdown(rows), end="\n\n")
        write_csv(args.out / f"{name}.csv", rows)


if __name__ == "__main__":
    main()
