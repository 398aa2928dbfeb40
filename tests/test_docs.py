"""The pages under docs/ keep their word: links lead somewhere, commands parse, models have their page."""

import csv
import dataclasses
import itertools
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import typer
from scripts import anomaly_page, click_page, detector_page, model_page, real_table

from beltline.cli import app as application
from beltline.protocols.tables import markdown
from beltline.screening import find_weights, list_starts, list_weights, open_model

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = {str(path.relative_to(DOCS)): path.read_text("utf-8") for path in sorted(DOCS.rglob("*.md"))}
SHIPPED = [entry.name for entry in list_weights() if entry.origin == "shipped"]
TASKS = {name: open_model(find_weights(name)).card.task for name in SHIPPED}
SCREENING = [name for name in SHIPPED if TASKS[name] in ("classification", "detection")]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_as_plain_markdown(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", PAGES[page]):
        path, _, anchor = target.partition("#")
        if "://" in target or not path:
            continue
        there = (DOCS / page).parent / path
        assert there.is_file(), target
        if anchor:
            titles = re.findall(r"^#+ (.+)$", there.read_text("utf-8"), flags=re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles]


def filled(line, values):
    """A line of a shell without its comment, variables put in."""
    return re.sub(r"\$(\w+)", lambda found: values[found[1]], line.split(" #")[0].strip())


def commands_of(text):
    """Every ``beltline`` command of the shell blocks; synopses (``[--json]``, ``...``) are left out."""
    for block in re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL):
        values = {}
        for line in block.replace("\\\n", " ").splitlines():
            command = filled(line, values)
            if assigned := re.fullmatch(r"(\w+)=(\S+|\".*\")", command):
                values[assigned[1]] = assigned[2].strip('"')
            elif command.startswith("beltline ") and not re.search(r"\.\.\.| \[", command):
                yield command


COMMANDS = [(page, command) for page, text in PAGES.items() for command in commands_of(text)]


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_commands_of_the_pages_parse(page, command):
    words = shlex.split(command)[1:]
    with typer.main.get_command(application.app).make_context("beltline", words) as context:
        name, *rest = [*context._protected_args, *context.args]
    verb = application.load_verb(name)
    if hasattr(verb, "commands"):
        verb, rest = verb.commands[rest[0]], rest[1:]
    verb.make_context(verb.name, rest)


def test_the_pages_have_commands_to_check():
    assert {"training.md", "synthesis.md", "models/starter-chr-3.md"} <= {page for page, _ in COMMANDS}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_model_has_its_page(name):
    page, model = PAGES[f"models/{name}.md"], open_model(find_weights(name))
    assert page.startswith(f"# {name}\n")
    assert f"`{model.sha256}`" in page
    assert f"]({name}.md)" in PAGES["models/index.md"]
    assert f"beltline models show {name}\n" in page


@pytest.mark.parametrize(
    ("name", "table"),
    [("starter-chr-3", model_page.simulated_table), ("starter-detector-2", detector_page.simulated)],
)
def test_the_figures_of_a_page_are_those_of_the_card(name, table):
    card = open_model(find_weights(name)).card
    lines = table(json.loads(json.dumps(card.details["figures"])))
    assert len(lines) > len(card.classes)
    assert set(lines) <= set(PAGES[f"models/{name}.md"].splitlines())


def test_the_figures_of_clicks_are_the_committed_ones():
    assert click_page.real() in PAGES["models/starter-click-1.md"]
    assert click_page.real() in PAGES["click.md"]
    rows = {
        row["way"]: f"{float(row['one object (18): mIoU']):.2f}"
        for row in csv.DictReader(click_page.REAL.read_text("utf-8").splitlines())
    }
    ours, plain = ([rows[way], rows[f"{way}, three clicks"]] for way in ("click model", "GrabCut 80"))
    told = f"| {', '.join(ours)}; GrabCut at its best setting {', '.join(plain)} ([all]"
    assert told in (DOCS.parent / "README.md").read_text("utf-8")
    card = open_model(find_weights("starter-click-1")).card
    found = json.loads(json.dumps(card.details["figures"]))
    lines = set(PAGES["models/starter-click-1.md"].splitlines())
    assert set(click_page.missed(found)) <= lines
    first = f"| mean IoU, one click | {found['miou']['1']:.3f} |"
    assert any(line.startswith(first) for line in lines)


def table_of(name):
    return list(csv.DictReader((DOCS / "reports" / name).read_text("utf-8").splitlines()))


def one_line(page):
    """The page without its line breaks."""
    return " ".join(PAGES[page].split())


def test_the_anomaly_model_beside_rules_is_the_committed_table():
    rows = table_of("anomaly/beside.csv")
    assert markdown(rows) in PAGES["anomaly.md"]
    found, false = (rows[0][f"devices: {name}"].split(" ")[0] for name in ("PD at 5 %", "PFA"))
    told = f"{float(found):.0%} found where {float(false):.0%}".replace("%", " %")
    assert told in " ".join(PAGES["anomaly.md"].split())
    assert markdown(table_of("anomaly/first_stage.csv")) in PAGES["anomaly.md"]


def test_the_figures_of_the_anomaly_model_are_those_of_its_card_and_the_committed_tables():
    page = PAGES["models/starter-anomaly-2.md"]
    card = open_model(find_weights("starter-anomaly-2")).card
    lines = anomaly_page.devices(json.loads(json.dumps(card.details["figures"])))
    assert len(lines) > 20
    assert set(lines) <= set(page.splitlines())
    for name in ("kinds", "scans", "real", "latency"):
        assert markdown(table_of(f"anomaly/{name}.csv")) in page
    scans, (real,) = table_of("anomaly/scans.csv"), table_of("anomaly/real.csv")
    at = card.details["figures"]["at"]["0.05"]
    told = f"PD {at['pd']['value']:.2f} at PFA {at['pfa']['value']:.2f}"
    kinds = {row["concealed"]: row for row in table_of("anomaly/kinds.csv")}
    unseen, taught = kinds["**not taught**"], kinds["**taught**"]
    pd, pfa = (row["alarm at the threshold for 5 %"].split(" ")[0] for row in (unseen, kinds["nothing"]))
    for said in (
        told,
        f"AUC {unseen['AUC']} over added cells",
        f"beside {taught['AUC']} of the taught kinds",
        f"missing component, {kinds['removed component']['AUC'].split(' ')[0]}, is above chance",
        f"it is {pd}, where {float(pfa):.0%}".replace("%", " %"),
        "AUC {} of 100 scans with true masks, {} with those".format(*(row["AUC"] for row in scans)),
        f"PD {scans[1]['PD'].split(' ')[0]} at PFA {scans[1]['PFA'].split(' ')[0]} there",
        f"On {real['scans']} benign passenger bags",
        f"sees a device in {real['with a device found']} (nobody",
    ):
        assert said in one_line("anomaly.md")
    readme = (DOCS.parent / "README.md").read_text("utf-8")
    assert f"{told}, weak; kinds it was not taught AUC {unseen['AUC'].split(' ')[0]};" in readme


def test_what_decided_about_parts_is_the_committed_report():
    decided, bank = [row for row in table_of("durham_small/tables/differences.csv") if row["decides"]]
    assert bank["difference"] == "DFL, parts - EfficientNet-Lite0, parts"
    assert (bank["seeds"], bank["clear"]) == ("5", "yes")
    for told in (bank["AUC points"], f"devices alone {bank['test devices']}", "five seeds"):
        assert told in one_line("anomaly.md")
    assert decided["difference"] == "EfficientNet-Lite0, parts - EfficientNet-Lite0, objects"
    assert decided["seeds"] == "5"
    for text in (PAGES["anomaly.md"], (DOCS.parent / "README.md").read_text("utf-8")):
        assert decided["AUC points"] in text
    assert decided["test devices"] in PAGES["anomaly.md"]
    assert markdown(table_of("durham_small/tables/devices.csv")) in PAGES["anomaly.md"]
    unseen = {
        row["row"]: row["unseen kinds: AUC"].split(" ")[0]
        for row in table_of("durham_small/tables/unseen.csv")
    }
    parts, whole = (unseen[f"EfficientNet-Lite0, {level}"] for level in ("parts", "objects"))
    assert f"AUC {parts} for parts, {whole} for whole devices" in PAGES["anomaly.md"]


def test_what_decided_about_apsam_is_the_committed_report():
    report = DOCS / "reports/xseg_small"
    rows = list(csv.DictReader((report / "tables/differences.csv").read_text().splitlines()))
    decided, unseen = (
        next(row for row in rows if row["test set"] == name) for name in ("test", "unseen look")
    )
    assert (decided["decides"], decided["seeds"]) == ("yes", "5")
    for text in (PAGES["xseg.md"], (DOCS.parent / "README.md").read_text("utf-8")):
        assert decided["mIoU points"] in text
    assert f"test bags alone {decided['test scans']}" in PAGES["xseg.md"]
    assert unseen["mIoU points"] in PAGES["xseg.md"]
    main = csv.DictReader((report / "tables/main.csv").read_text().splitlines())
    miou = {row["row"]: row["mIoU"].split(" ")[0] for row in main}
    for row in ("SAM tuned", "APSAM"):
        assert f"| {row} | {miou[row]} |" in PAGES["xseg.md"]
    assert f"instances | {miou['disc of 15 pixels']} |" in PAGES["xseg.md"]
    assert f"that does | {miou['flood fill, tolerance 48']} |" in PAGES["xseg.md"]


def test_what_the_parts_of_the_click_model_are_worth_is_the_committed_table():
    rows = list(csv.DictReader((DOCS / "reports/click_arms/arms.csv").read_text().splitlines()))
    assert markdown(rows) in PAGES["click.md"]
    first = {(row["run"], row["objects"]): row["over the first, 1"] for row in rows}
    zoom = [value for (run, _), value in first.items() if run == "without-zoom"]
    assert all(value.startswith("-0.10") for value in zoom)
    assert "+0.10 in both looks" in (DOCS.parent / "README.md").read_text("utf-8")
    energies = [value for (run, _), value in first.items() if run == "without-energies"]
    assert all("[-" in value and ", +" in value for value in energies)  # both ranges hold 0
    points = [value for (run, _), value in first.items() if run == "random-points"]
    assert all(value.startswith("-0.02") and ", -" in value for value in points)


def test_the_table_of_sizes_is_the_committed_one():
    rows = list(csv.DictReader((DOCS / "reports/item_sizes/figures.csv").read_text().splitlines()))
    assert markdown(rows) in PAGES["training.md"]


@pytest.mark.parametrize("name", ["faults", "likeness", "speed"])
def test_the_tables_of_curation_are_the_committed_ones(name):
    assert markdown(table_of(f"curation/{name}.csv")) in PAGES["curation.md"]


def test_the_readmes_figures_stand_on_the_pages():
    """Speed, the gun's detection and the two models' boxes: copied into the README, made for the pages."""
    readme = (DOCS.parent / "README.md").read_text("utf-8")
    total, later, first, following = re.search(
        r"median (\d+) ms, p95 (\d+) ms; a click (\d+) ms, the next one (\d+) ms", readme
    ).groups()
    median, p95 = re.search(r"median ([\d.]+) ms, p95 ([\d.]+) ms", PAGES["models/starter-chr-3.md"]).groups()
    assert (f"{float(median):.0f}", f"{float(p95):.0f}") == (total, later)
    page = PAGES["models/starter-click-1.md"]
    assert f"| beltline, first click | {first} ms |" in page
    assert f"| beltline, next click | {following} ms |" in page
    (gun,) = re.findall(r"gun on simulated test bags, PD at 5 % PFA \| (\S+ \[.+?\]) \|", readme)
    assert f"| {gun} |" in PAGES["models/starter-chr-3.md"]
    (gain,) = re.findall(r"boxes that overlap by half, detector .*, \+([\d.]+) \[", readme)
    (boxes,) = re.findall(
        r"starter-detector-2 over starter-chr-3.* boxes \+([\d.]+) \[", PAGES["models/starter-detector-2.md"]
    )
    assert f"{float(boxes):.2f}" == gain


def test_the_table_of_own_thresholds_is_the_committed_one():
    rows = list(csv.DictReader((DOCS / "reports/own_thresholds/sixray.csv").read_text().splitlines()))
    assert {row["model"] for row in rows} == set(SCREENING)
    assert markdown(rows) in PAGES["screening.md"]


def test_the_readmes_table_of_real_scans_is_the_committed_one():
    assert real_table.real_table(SCREENING) in (DOCS.parent / "README.md").read_text("utf-8")
    before = ("starter-chr-2", "starter-detector-1")
    assert real_table.real_table([*SCREENING, *before]) in PAGES["models/index.md"]


def test_what_the_start_is_worth_is_the_committed_table():
    rows, against = (
        list(csv.DictReader((DOCS / "reports/starts" / name).read_text().splitlines()))
        for name in ("arms.csv", "against_whole.csv")
    )
    assert markdown(rows) in PAGES["training.md"]
    differences = [row["AUC over the first"] for row in against if row["run"] != "whole"]
    assert len(differences) == 4
    assert all(difference in PAGES["training.md"] for difference in differences)
    (gain,) = (r["AUC over the first"] for r in rows if (r["run"], r["bags"]) == ("whole", "armtest"))
    assert gain in (DOCS.parent / "README.md").read_text("utf-8")


STARTS = [command for _, command in COMMANDS if re.search(r"init=starter-", command)]


@pytest.mark.parametrize("command", STARTS)
def test_a_start_that_the_pages_name_fits_their_recipe(command, tmp_path):
    """``beltline train`` with ``init=starter-...``: built and begun as the command would."""
    from beltline.systems import find_system
    from beltline.training.run import choose_recipe

    words = shlex.split(command)
    pairs = list(itertools.pairwise(words))
    changes = [value for word, value in pairs if word == "--set"]
    name = next((value for word, value in pairs if word == "--recipe"), "")
    system = find_system(words[2])
    recipe = choose_recipe(system, name, changes, out=tmp_path, resume=False).recipe
    if "classes" in {field.name for field in dataclasses.fields(recipe)}:
        recipe = dataclasses.replace(recipe, classes=recipe.classes or ("gun", "knife"))
    system.start(recipe, system.build(recipe))


def test_some_pages_start_from_shipped_models():
    assert len(STARTS) >= 4


def test_what_decided_about_painted_threats_is_the_committed_report():
    gains = {(row["arm"], row["over"]): row for row in table_of("xsyn_small/tables/differences.csv")}
    page = one_line("painting.md")
    decided = gains["Xsyn-A", "TIP"]
    readme = (DOCS.parent / "README.md").read_text("utf-8")
    for row in gains.values():
        assert row["points of AP (printed)"].split(" (")[0] in page
        assert (row["seeds"], row["real, %"]) == ("5", "25")
    assert gains["Xsyn-A, as ours", "TIP"]["points of AP (printed)"] in readme
    assert f"the test windows apart {decided['test windows']}" in page
    assert markdown(table_of("xsyn_small/tables/boxes.csv")) in PAGES["painting.md"]
    told = json.loads((DOCS / "reports/xsyn_small/report.json").read_text())
    assert "Not shown" in told["verdicts"][0]
    card = json.loads((DOCS / "reports/xsyn_small/card.json").read_text())
    assert card["painter"]["sha256"] in PAGES["models/starter-xsyn-1.md"]
    assert {entry.sha256 for entry in list_starts()} == {card["painter"]["sha256"]}


def test_what_the_judge_found_of_painted_threats_is_the_committed_report():
    page, report = one_line("painting.md"), (DOCS / "reports/xsyn_small/report.md").read_text()
    rows = [row.split("|") for row in report.split("\n") if row.startswith("|") and "± " in row]
    found = {cells[1].strip(): cells[2].strip() for cells in rows}
    for name in ("painted", "item really in it", "bag alone"):
        assert found[name].replace(" [", " % [") in page
    guns = next(row for row in report.splitlines() if row.startswith("| gun | "))
    assert f"of painted guns {guns.split('|')[3].strip().replace(' [', ' % [')}" in page
    shares = {int(row["found, %"].split(" ")[0]) for row in table_of("xsyn_small/tables/occlusions.csv")}
    assert f"{min(shares)} to {max(shares)} % are found" in page
    layout = table_of("xsyn_small_seen/tables/boxes.csv")[0]
    assert f"over a layout of {float(layout['IoU']):.2f}" in page
    before = {(row["arm"], row["over"]): row for row in table_of("xsyn_small_seen/tables/differences.csv")}
    assert before["Xsyn-A", "TIP"]["points of AP (printed)"].split(" (")[0] in page


ROUNDS = DOCS / "reports/rounds_five"
SHARE = "picked's share of its clicks"


def test_what_rounds_cost_is_the_committed_report():
    report, page = (ROUNDS / "report.md").read_text(), PAGES["rounds.md"]
    plan = json.loads((ROUNDS / "simulation.json").read_text())
    assert len(plan["seeds"]) >= 5
    names = {"picked": "picked, and learned from", "random": "drawn at random, and learned from"}
    names |= {"untrained": "a model that does not learn", "by hand": "by hand"}
    tests = report.split("## Test scans, after each round")[1].split("## The scans")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in tests.splitlines() if "|" in line]
    found = [row for row in rows if row[1] == str(plan["rounds"])]
    assert {row[0] for row in found} == set(names)
    for arm, _, clicks, _, seconds, first, final, _, mended, drawn, *_ in found:
        assert f"| {names[arm]} | {clicks} | {seconds} | {first} | {final} | {mended} | {drawn} |" in page
    arms = {(row[0], row[1]): row[2:] for row in rows}
    clicks, vertices = arms["picked", "5"][:2]
    assert f"{vertices} of the {clicks} clicks are vertices" in page
    assert f"({arms['picked', '1'][0]} and {arms['picked', '2'][0]} clicks per mask after them)" in page
    changed = {arm: arms[arm, "5"][5] for arm in ("picked", "by hand")}
    assert f"changed {changed['picked']} of the objects with a model, {changed['by hand']} by hand" in page


def test_what_decides_about_rounds_is_the_committed_report():
    page, readme = PAGES["rounds.md"], (DOCS.parent / "README.md").read_text("utf-8")
    found = json.loads((ROUNDS / "report.json").read_text())
    with (ROUNDS / "elsewhere.csv").open() as stream:
        elsewhere = {row["arm"]: row for row in csv.DictReader(stream)}
    names = {"by hand": "by hand", "untrained": "a model that does not learn", "random": "drawn at random"}
    for arm, name in names.items():
        told = found["decides"][arm]
        intervals = ("[{:.2f}, {:.2f}]".format(*told[key]) for key in ("interval", "over_scans"))
        other = elsewhere[arm]
        there = f"{other[SHARE]} {other['over seeds']}, {other['over scans']}"
        here = f"{told['share']:.2f} " + ", ".join(intervals)
        assert f"| {name} | {told['aim']:g} | {here} | {there} |" in page
        assert there in readme
        assert told["seeds"] == int(other["seeds"]) == 5
        assert told["equal_iou"]
        assert abs(float(other["final IoU"]) - float(elsewhere["picked"]["final IoU"])) < 0.02


def test_what_is_said_about_rounds_follows_from_the_tables():
    page = one_line("rounds.md")
    found = json.loads((ROUNDS / "report.json").read_text())
    with (ROUNDS / "elsewhere.csv").open() as stream:
        elsewhere = {row["arm"]: row for row in csv.DictReader(stream)}
    columns = ("over seeds", "over scans")
    ends = {
        arm: [[float(end) for end in row[name].strip("[]").split(",")] for name in columns]
        for arm, row in elsewhere.items()
        if row[SHARE]
    }
    assert min(low for low, _ in ends["by hand"]) >= 0.5
    assert max(high for _, high in ends["untrained"]) < 1
    assert "missed**: {} of the clicks by hand".format(elsewhere["by hand"][SHARE]) in page
    assert "Learning pays**: {} of the clicks".format(elsewhere["untrained"][SHARE]) in page
    assert "model here**: {} of the clicks of random".format(elsewhere["random"][SHARE]) in page
    assert f"more than {1 - min(low for low, _ in ends['random']):.0%}".replace("%", " %") in page
    masks = {arm: np.mean(found["rounds"][arm]["masks per scan"]) for arm in ("picked", "random")}
    assert f"{masks['picked']:.1f} masks each and drawn ones {masks['random']:.1f}" in page
    assert f"60 test scans with {found['objects']} objects" in page
    assert f"160 further scans with {elsewhere['picked']['objects']} objects" in page
    seconds = {arm: np.mean(found["test"][arm]["seconds per mask"][-1]) for arm in ("picked", "by hand")}
    assert f"{seconds['picked'] / seconds['by hand']:.2f} of the time" in page
    assert sum(sum(of.values()) for of in found["seconds"].values()) == pytest.approx(3 * 3600, rel=0.15)


def test_what_gates_let_through_is_the_committed_reports():
    page = one_line("rounds.md")
    gate = json.loads((ROUNDS / "report.json").read_text())["gate"]
    promoted = [one["round"] for one in gate if one["promoted"]]
    assert f"{len(promoted)} of {len(gate)} trained models were promoted" in page
    assert promoted.count(1) == sum(one["round"] == 1 for one in gate) == 10
    assert f"all 10 of the first round and {promoted.count(5)} of the fifth" in page
    small = (DOCS / "reports/rounds_small_gate/report.md").read_text()
    assert "0 of 20 trained models were promoted" in small
    assert "a gate of 20 let none of 20 through" in page
