"""The result of screening, as report.json holds it: stable, versioned, built upon by others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from beltline.core.errors import BadInputError
from beltline.core.masks import Masks

SCHEMA_VERSION = 1

Decision: TypeAlias = Literal["alarm", "clear", "no_machine_result"]
DECISIONS: tuple[str, ...] = get_args(Decision)
Point: TypeAlias = tuple[float, float]
Box: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True)
class ModelRef:
    """Which model spoke: its name and the SHA-256 of its weights."""

    name: str
    sha256: str


@dataclass(frozen=True)
class ClassFinding:
    """One class of the model in one scan, alarmed or not.

    Attributes:
        label: Name of the taxonomy.
        probability: Calibrated, in [0, 1].
        alarm: Whether the probability passes the threshold of the operating point.
        point: (x, y) of the strongest evidence, pixels; None where not localised.
        box: (x1, y1, x2, y2) around the evidence, pixels; None where not localised.
    """

    label: str
    probability: float
    alarm: bool
    point: Point | None = None
    box: Box | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ValueError(f"probability must be in [0, 1], got {self.probability}")


@dataclass(frozen=True)
class InstanceFinding:
    """One object in one scan.

    Attributes:
        label: Name of the taxonomy.
        score: In [0, 1].
        box: (x1, y1, x2, y2), pixels.
        mask: One amodal mask, or None.
        alarm: Whether it is why the scan alarms; False for what was looked at and stayed below its threshold.
    """

    label: str
    score: float
    box: Box
    mask: Masks | None = None
    alarm: bool = True


@dataclass(frozen=True)
class ScanReport:
    """One scan's findings.

    Attributes:
        path: As the user gave it.
        sha256: Of the file.
        width: Pixels.
        height: Pixels.
        decision: A slow or failed model is ``no_machine_result``, never ``clear``.
        classes: Every class of the model.
        instances: Objects, where the model finds them.
        ms: Milliseconds by step: read, model, total and others.
        reason: Why there is no machine result.
        bags: Rectangles (x1, y1, x2, y2) of a long strip that were screened one by one, pixels; empty where
            the scan was screened as it is.
        notes: What the decision does not say: of several models, which one had nothing to judge.
    """

    path: str
    sha256: str
    width: int
    height: int
    decision: Decision
    classes: tuple[ClassFinding, ...] = ()
    instances: tuple[InstanceFinding, ...] = ()
    ms: Mapping[str, float] = field(default_factory=dict)
    reason: str | None = None
    bags: tuple[Box, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.decision not in DECISIONS:
            raise ValueError(f"decision must be one of {DECISIONS}, got {self.decision!r}")

    @property
    def objects(self) -> tuple[InstanceFinding, ...]:
        """The instances, or where a model finds none the places of the classes that alarm."""
        places = (f for f in self.classes if f.alarm)
        return self.instances or tuple(
            InstanceFinding(f.label, f.probability, f.box) for f in places if f.box
        )

    def point_of(self, found: InstanceFinding) -> Point:
        """Where the evidence of an object is strongest: its class's point, or else the middle of its box."""
        for finding in self.classes:
            if finding.point and (finding.label, finding.box) == (found.label, found.box):
                return finding.point
        x1, y1, x2, y2 = found.box
        return (x1 + x2) / 2, (y1 + y2) / 2


@dataclass(frozen=True)
class FailedScan:
    """A file that gave no scan, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Interrupted:
    """How far a run came that was not finished, or is not yet.

    Attributes:
        screened: Scans with an entry.
        of: Files that were to be screened, unreadable ones included.
    """

    screened: int
    of: int


@dataclass(frozen=True)
class Report:
    """A screening run.

    Attributes:
        model: Which model spoke.
        operating_point: ``{"pfa": ...}``.
        scans: One entry for every scan.
        failed: What gave no scan, and why.
        skipped: Files that were not read, counted by kind (".dcm", "without suffix", ...).
        warnings: What the reader should know of the run as a whole.
        interrupted: None for a finished run. A report saved while the run goes on carries it, so one left
            behind by a killed process never reads as finished.
        click_model: Which model cut out the masks of the instances; None where there are none.
        beside: Further models that spoke; a scan alarms if one of them does.

    Example:
        >>> report = Report(ModelRef("starter", "00"), {"pfa": 0.05}, failed=(FailedScan("a.png", "empty"),))
        >>> Report.from_json(report.to_json()) == report
        True
    """

    model: ModelRef
    operating_point: Mapping[str, float]
    scans: tuple[ScanReport, ...] = ()
    failed: tuple[FailedScan, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)
    interrupted: Interrupted | None = None
    warnings: tuple[str, ...] = ()
    click_model: ModelRef | None = None
    beside: tuple[ModelRef, ...] = ()

    @property
    def models(self) -> tuple[ModelRef, ...]:
        """Every model that spoke."""
        return (self.model, *self.beside)

    def to_json(self, *, indent: int | None = 2) -> str:
        """The text of report.json, keys in the documented order."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        record = {
            "schema_version": SCHEMA_VERSION,
            "model": asdict(self.model),
            "operating_point": dict(self.operating_point),
            "scans": [_scan_to_dict(scan) for scan in self.scans],
            "failed": [{"path": item.path, "reason": item.reason} for item in self.failed],
            "skipped": dict(self.skipped),
            "interrupted": None if self.interrupted is None else asdict(self.interrupted),
            "warnings": list(self.warnings),
        }
        if self.click_model is not None:
            record["click_model"] = asdict(self.click_model)
        if self.beside:
            record["beside"] = [asdict(model) for model in self.beside]
        return record

    @classmethod
    def from_json(cls, text: str) -> Report:
        """Read report.json back.

        Raises:
            BadInputError: If it is not JSON, of another schema version, or lacks a field.
        """
        try:
            return _report_from_dict(json.loads(text))
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise BadInputError(f"not a report.json of Beltline: {error!r}") from error


def _scan_to_dict(scan: ScanReport) -> dict[str, Any]:
    record: dict[str, Any] = {
        "path": scan.path, "sha256": scan.sha256, "width": scan.width, "height": scan.height,
        "decision": scan.decision,
        "classes": [_plain(finding) for finding in scan.classes],
        "instances": [_instance_to_dict(found) for found in scan.instances],
        "ms": dict(scan.ms),
    }  # fmt: skip
    if scan.reason is not None:
        record["reason"] = scan.reason
    if scan.bags:
        record["bags"] = [list(bag) for bag in scan.bags]
    if scan.notes:
        record["notes"] = list(scan.notes)
    return record


def _plain(finding: ClassFinding) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(finding).items()}


def _instance_to_dict(found: InstanceFinding) -> dict[str, Any]:
    record: dict[str, Any] = {"label": found.label, "score": found.score, "box": list(found.box)}
    if found.mask is not None:
        record["mask"] = found.mask.to_coco()[0]
    return record if found.alarm else {**record, "alarm": False}


def _report_from_dict(record: dict[str, Any]) -> Report:
    version = record["schema_version"]
    if version != SCHEMA_VERSION:
        raise BadInputError(f"report.json of schema version {version}; this Beltline reads {SCHEMA_VERSION}")
    stop, click_model = record.get("interrupted"), record.get("click_model")
    return Report(
        model=_model(record["model"]),
        operating_point=dict(record["operating_point"]),
        scans=tuple(_scan_from_dict(scan) for scan in record["scans"]),
        failed=tuple(FailedScan(item["path"], item["reason"]) for item in record["failed"]),
        skipped={str(kind): int(count) for kind, count in record.get("skipped", {}).items()},
        interrupted=None if stop is None else Interrupted(int(stop["screened"]), int(stop["of"])),
        warnings=tuple(str(text) for text in record.get("warnings", ())),
        click_model=None if click_model is None else _model(click_model),
        beside=tuple(_model(model) for model in record.get("beside", ())),
    )


def _model(record: dict[str, Any]) -> ModelRef:
    return ModelRef(record["name"], record["sha256"])


def _scan_from_dict(record: dict[str, Any]) -> ScanReport:
    return ScanReport(
        path=record["path"], sha256=record["sha256"],
        width=int(record["width"]), height=int(record["height"]), decision=record["decision"],
        classes=tuple(_class_from_dict(finding) for finding in record["classes"]),
        instances=tuple(_instance_from_dict(found) for found in record["instances"]),
        ms=dict(record["ms"]), reason=record.get("reason"),
        bags=tuple(_box(bag) for bag in record.get("bags", ())),
        notes=tuple(str(note) for note in record.get("notes", ())),
    )  # fmt: skip


def _class_from_dict(record: dict[str, Any]) -> ClassFinding:
    point, box = record["point"], record["box"]
    return ClassFinding(
        record["label"],
        float(record["probability"]),
        bool(record["alarm"]),
        None if point is None else (float(point[0]), float(point[1])),
        None if box is None else _box(box),
    )


def _instance_from_dict(record: dict[str, Any]) -> InstanceFinding:
    mask = record.get("mask")
    masks = None if mask is None else Masks.from_coco([mask], (mask["size"][0], mask["size"][1]))
    alarm = bool(record.get("alarm", True))
    return InstanceFinding(record["label"], float(record["score"]), _box(record["box"]), masks, alarm)


def _box(values: list[float]) -> Box:
    x1, y1, x2, y2 = (float(value) for value in values)
    return (x1, y1, x2, y2)
