"""What a simulation of rounds came to, asked again on test scans of another seed.

The models that the arms of `beltline rounds simulate OUT` ended with go to scans that neither they nor the
choice of any setting have seen, to the same simulated people. Each arm and seed is kept, so that a stopped
run goes on, and several may run side by side, with seeds of their own.

    python benchmarks/rounds_elsewhere.py OUT SCANS
    python benchmarks/rounds_elsewhere.py OUT SCANS --data-seed 2028 --test 160 --out elsewhere.csv
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from beltline.formats import write_json
from beltline.protocols.tables import markdown, write_csv
from beltline.rounds.annotator import Habits
from beltline.rounds.simulated.cell import Room, before, tested
from beltline.rounds.simulated.plan import ARMS, Cell, SimulationPlan
from beltline.rounds.simulated.report import AIMS, MEASURES, compared
from beltline.rounds.simulated.world import open_world
from beltline.screening import load_model


def plan_of(folder: Path, *, test: int, data_seed: int) -> SimulationPlan:
    """The simulation's own settings, for other scans, all of them to test."""
    told = json.loads((folder / "simulation.json").read_text(encoding="utf-8"))
    if told["data_seed"] == data_seed:
        raise SystemExit(f"--data-seed must be another than {data_seed}, which {folder} was simulated with")
    settings = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
    plan = SimulationPlan(**{**settings, "habits": Habits(**told["habits"])})
    return replace(plan, per_round=1, pool=plan.rounds, gate=0, test=test, data_seed=data_seed)


def result_of(room: Room, arm: str, seed: int, kept: Path) -> dict[str, Any]:
    """What people need on the other scans with the model that an arm ended with."""
    path = kept / f"{arm.replace(' ', '_')}_seed{seed}.json"
    if not path.is_file():
        # where a round after the last would begin: with what the last one left
        model = before(room, Cell(arm, seed, room.plan.rounds + 1)).model
        cell = Cell(arm, seed, room.plan.rounds)
        write_json(path, {"arm": arm, "seed": seed, "round": cell.round,
                          "test": tested(room, cell, ARMS[arm], model)})  # fmt: skip
        room.forget()
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def rows(plan: SimulationPlan, results: list[dict[str, Any]]) -> list[dict[str, str]]:
    """A row a comparison, and one an arm."""
    table = []
    for arm in plan.arms:
        mine = [one["test"] for one in results if one["arm"] == arm]
        row = {"arm": arm, "seeds": f"{len(mine)}", "objects": f"{mine[0]['objects']}"}
        for name in ("clicks per mask", "final IoU"):
            row[name] = f"{sum(MEASURES[name](one) or 0 for one in mine) / len(mine):.3g}"
        told = compared(plan, results, arm, AIMS[arm]) if arm in AIMS else None
        if told is not None:
            row["picked's share of its clicks"] = f"{told['share']:.2f}"
            for name, key in (("over seeds", "interval"), ("over scans", "over_scans")):
                row[name] = "[{:.2f}, {:.2f}]".format(*told[key]) if told[key] else ""
        table.append(row)
    return [{name: row.get(name, "") for name in table[-1]} for row in table]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("simulation", type=Path, help="folder of a finished simulation")
    parser.add_argument("scans", type=Path, help="folder for the other scans and what is kept of them")
    parser.add_argument("--data-seed", type=int, default=2028)
    parser.add_argument("--test", type=int, default=160, help="scans")
    parser.add_argument("--seeds", help="comma separated; default all of the simulation")
    parser.add_argument("--out", type=Path, help="CSV file")
    options = parser.parse_args()
    plan = plan_of(options.simulation, test=options.test, data_seed=options.data_seed)
    if options.seeds:
        plan = replace(plan, seeds=tuple(int(text) for text in options.seeds.split(",")))
    detector = load_model(plan.detector)
    room = Room(open_world(options.scans / "scans", plan), options.simulation, detector)
    kept = options.scans / "tested"
    results = [result_of(room, arm, seed, kept) for seed in plan.seeds for arm in plan.arms]
    table = rows(plan, results)
    print(markdown(table))
    if options.out:
        write_csv(options.out, table)


if __name__ == "__main__":
    main()
