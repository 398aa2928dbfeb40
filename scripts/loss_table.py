"""Mean training loss of runs by stretches of steps, side by side, from their ``metrics.jsonl``.

Run: python -m scripts.loss_table NAME=RUN... --field whole --every 200 --until 600 --out FILE.csv
"""

import argparse
import json
from pathlib import Path
from statistics import mean

from beltline.protocols.tables import markdown, write_csv


def losses(run: Path, field: str) -> list[tuple[int, float]]:
    """Step and loss of every logged training step."""
    rows = map(json.loads, (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    return [(row["step"], row[field]) for row in rows if field in row]


def row_of(name: str, run: Path, field: str, every: int, until: int) -> dict[str, str]:
    """One run."""
    row, found = {"run": name}, losses(run, field)
    for start in range(0, until, every):
        mine = [loss for step, loss in found if start < step <= start + every]
        row[f"steps {start + 1} to {start + every}"] = f"{mean(mine):.3f}" if mine else ""
    return row


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("runs", nargs="+", help="NAME=RUN")
    parser.add_argument("--field", default="loss")
    parser.add_argument("--every", type=int, default=200)
    parser.add_argument("--until", type=int, default=600)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    named = [text.rpartition("=")[::2] for text in given.runs]
    rows = [row_of(name, Path(run), given.field, given.every, given.until) for name, run in named]
    print(markdown(rows))
    if given.out:
        write_csv(given.out, rows)


if __name__ == "__main__":
    main()
