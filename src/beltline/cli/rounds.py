"""``beltline rounds``: annotation in rounds, from scans to a model that has learned from people."""

from pathlib import Path
from typing import Annotated

import typer

from beltline.cli import rounds_exchange
from beltline.cli.context import JsonFlag, Seed, note, print_json, progress_bar, say, usage

rounds_app = typer.Typer(no_args_is_help=True, help="Annotate in rounds: pick, propose, review, train.")
Folder = Annotated[Path, typer.Argument(help="Folder of the project.")]


@rounds_app.callback()
def _rounds() -> None:
    """Annotate in rounds: pick scans, let models propose, correct and review, train, go on."""


@rounds_app.command()
def new(
    folder: Folder,
    source: Annotated[Path, typer.Argument(help="A set, a COCO export, or a folder of scans.")],
    classes: Annotated[str, typer.Option(help="Labels, comma separated; empty for the set's own.")] = "",
    gate: Annotated[
        float, typer.Option(help="Share that judges models, never trained on.", min=0, max=1)
    ] = 0.2,
    double: Annotated[float, typer.Option(help="Share that two people label.", min=0, max=1)] = 0.1,
    store: Annotated[str, typer.Option(help="URL of a database; empty keeps it in the folder.")] = "",
    seed: Seed = 0,
    as_json: JsonFlag = False,
) -> None:
    """Begin a project, or add the scans that have come since.

    Example: beltline rounds new ROUNDS bags --classes gun,knife
    """
    from beltline.rounds.project import new_project

    names = [name.strip() for name in classes.split(",") if name.strip()] or None
    with progress_bar("reading scans") as on_progress:
        begun = new_project(
            folder, source, classes=names, gate_share=gate, double_share=double, seed=seed,
            store=store or None, on_progress=on_progress,
        )  # fmt: skip
    for failed in begun.failed:
        note(f"beltline: left out {failed}")
    if as_json:
        print_json(
            {
                "project": str(folder), "classes": list(begun.project.classes), "added": begun.added,
                "failed": len(begun.failed), "repeated": begun.repeated,
            }
        )  # fmt: skip
        return
    repeated = f", {begun.repeated} with the content of another" if begun.repeated else ""
    say(f"{folder}: {begun.added} scans added{repeated}, classes {', '.join(begun.project.classes)}")


@rounds_app.command()
def status(
    folder: Folder,
    html: Annotated[Path | None, typer.Option(help="Write a page with curves and pictures there.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """How the rounds stand, what they cost, and what to do next.

    Example: beltline rounds status ROUNDS --html status.html
    """
    from beltline.formats import write_atomic
    from beltline.rounds.project import open_project
    from beltline.rounds.status import status_lines, status_of

    project = open_project(folder)
    opened = project.open()
    found = status_of(project, opened)
    if html is not None:
        from beltline.rounds.status_page import render_status

        write_atomic(html, render_status(found, opened))
    if as_json:
        print_json(found.to_json())
        return
    for line in status_lines(found):
        say(line)
    if html is not None:
        note(f"beltline: the page is {html}")


@rounds_app.command()
def pick(
    folder: Folder,
    count: Annotated[int, typer.Option(help="Scans of the round.", min=1)] = 40,
    gate: Annotated[int | None, typer.Option(help="Scans of the gate beside; a fifth.", min=0)] = None,
    weights: Annotated[
        str, typer.Option(help="entropy,disagreement,rarity,novelty, each 0 or more.")
    ] = "1,1,1,1",
    chance: Annotated[float, typer.Option(help="Share picked by chance.", min=0, max=1)] = 0.1,
    seed: Seed = 0,
    as_json: JsonFlag = False,
) -> None:
    """Begin a round: pick scans and store what the models propose for them.

    Example: beltline rounds pick ROUNDS --count 40
    """
    from beltline.rounds.pick import PARTS, PickWeights
    from beltline.rounds.project import open_project
    from beltline.rounds.working import pick_round

    with usage("--weights"):
        numbers = [float(text) for text in weights.split(",")]
        if len(numbers) != len(PARTS):
            raise ValueError(f"expected four numbers ({', '.join(PARTS)}), got {weights!r}")
        chosen = PickWeights(chance=chance, **dict(zip(PARTS, numbers, strict=True)))
    with progress_bar("looking at scans") as on_progress:
        record = pick_round(
            open_project(folder), count, weights=chosen, seed=seed, gate=gate, on_progress=on_progress
        )
    picked = [{"item": one.item, "why": one.why, "scores": dict(one.scores)} for one in record.picked]
    if as_json:
        print_json({"round": record.number, "models": dict(record.models), "picked": picked})
        return
    why: dict[str, int] = {}
    for one in record.picked:
        why[one.why] = why.get(one.why, 0) + 1
    reasons = ", ".join(f"{number} for {name}" for name, number in why.items())
    say(f"round {record.number}: {len(picked)} scans picked, {reasons}")


@rounds_app.command()
def train(
    folder: Folder,
    steps: Annotated[int, typer.Option(help="Of the optimizer.", min=1)] = 200,
    lr: Annotated[float, typer.Option(help="Peak learning rate.", min=0)] = 1e-3,
    margin: Annotated[float, typer.Option(help="IoU that a new model may lose.", min=0)] = 0.01,
    seed: Seed = 0,
    as_json: JsonFlag = False,
) -> None:
    """Train the click model on what is reviewed, and let the gate's scans judge it.

    Example: beltline rounds train ROUNDS --steps 200
    """
    from beltline.rounds.gate import Verdict
    from beltline.rounds.learning import LearningPlan
    from beltline.rounds.project import open_project
    from beltline.rounds.working import train_round

    record = train_round(open_project(folder), LearningPlan(steps, lr=lr), margin=margin, seed=seed)
    told = dict(record.verdict or {})
    if as_json:
        print_json({"round": record.number, "verdict": told})
        return
    verdict = Verdict(*(told[name] for name in ("difference", "low", "high", "margin", "scans", "promoted")))
    say(f"round {record.number}: {verdict.text}")
    say("promote it: beltline rounds promote" if verdict.promoted else "the current model stays")


@rounds_app.command()
def promote(
    folder: Folder,
    force: Annotated[
        bool, typer.Option("--force", help="Also where the gate did not let it through.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Put the model of the last training to work.

    Example: beltline rounds promote ROUNDS
    """
    from beltline.rounds.project import open_project
    from beltline.rounds.working import promote_round

    changed = promote_round(open_project(folder), force=force)
    entry = changed.models["click"]
    if as_json:
        print_json({"click": dict(entry)})
        return
    say(f"{entry['name']} proposes and cuts from now on (SHA-256 {entry['sha256'][:12]})")


@rounds_app.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="Folder; a stopped simulation goes on.")],
    rounds: Annotated[int, typer.Option(help="Of annotation.", min=1)] = 5,
    bags: Annotated[int, typer.Option(help="Scans of each round.", min=1)] = 24,
    pool: Annotated[int | None, typer.Option(help="Scans to pick from; twice all rounds.", min=1)] = None,
    gate: Annotated[int, typer.Option(help="Scans that judge new models; few let none through.", min=5)] = 80,
    test: Annotated[int, typer.Option(help="Scans that compare the arms.", min=1)] = 40,
    arms: Annotated[str, typer.Option(help="picked, random, untrained, by hand; empty for all.")] = "",
    seeds: Annotated[int, typer.Option(help="How many, from --seed on.", min=1)] = 1,
    steps: Annotated[int, typer.Option(help="Of each round's training.", min=1)] = 100,
    data_seed: Annotated[
        int, typer.Option(help="Of the scans; settings are chosen on another.", min=0)
    ] = 2026,
    seed: Seed = 0,
    as_json: JsonFlag = False,
) -> None:
    """Simulated people go through all rounds, beside picking at random and labelling without a model.

    Example: beltline rounds simulate OUT --rounds 5 --bags 24 --seed 1
    """
    from beltline.rounds.simulated.experiment import simulate_rounds
    from beltline.rounds.simulated.plan import ARMS, SimulationPlan
    from beltline.rounds.simulated.report import PAGE

    names = tuple(name.strip() for name in arms.split(",") if name.strip()) or tuple(ARMS)
    plan = SimulationPlan(
        rounds,
        bags,
        pool or 2 * rounds * bags,
        gate,
        test,
        names,
        tuple(range(seed, seed + seeds)),
        steps=steps,
        data_seed=data_seed,
    )
    with progress_bar("simulating scans") as on_progress:
        found = simulate_rounds(out, plan, say=note, on_progress=on_progress)
    if as_json:
        print_json(found)
        return
    print(out / PAGE)


rounds_exchange.register(rounds_app)
