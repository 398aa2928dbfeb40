"""``beltline checks``: is this installation fit to work?"""

import platform
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from beltline import __version__
from beltline.cli.context import JsonFlag, print_json
from beltline.core import MissingExtraError, QualityGateError

CORE_PACKAGES = (
    "numpy", "numba", "pillow", "opencv-python-headless", "tifffile", "typer", "rich", "jinja2",
    "onnxruntime", "pycocotools",
)  # fmt: skip
EXTRA_PACKAGES = ("torch", "torchvision", "timm", "lightning-fabric", "onnx")


class Check(NamedTuple):
    """One line of the answer."""

    name: str
    ok: bool
    detail: str
    ms: float
    missing: bool = False


def checks(
    folder: Annotated[Path, typer.Option("--folder", help="Where the write test writes.")] = Path("."),
    as_json: JsonFlag = False,
) -> None:
    """Show versions and providers, test writing, and test the parts against each other.

    Exits with 5 if a package, a folder or the model is missing, with 7 if a part gives a wrong answer.

    Example: beltline checks --json
    """
    steps: dict[str, Callable[[], str]] = {
        "packages": _packages,
        "providers": _providers,
        "write": lambda: _write(folder),
        "files": _files,
        "physics": _physics,
        "model": _model,
    }
    done = [_run(name, step) for name, step in steps.items()]
    if as_json:
        print_json({"beltline": __version__, "checks": [check._asdict() for check in done], **_versions()})
    else:
        _print(done)
    failed = [check for check in done if not check.ok]
    if failed:
        kind = MissingExtraError if all(check.missing for check in failed) else QualityGateError
        raise kind("; ".join(f"{check.name}: {check.detail}" for check in failed))


def _run(name: str, step: Callable[[], str]) -> Check:
    start = time.perf_counter()
    try:
        ok, detail, missing = True, step(), False
    except (ImportError, OSError, MissingExtraError) as error:
        ok, detail, missing = False, str(error), True
    except (ValueError, RuntimeError) as error:
        ok, detail, missing = False, str(error), False
    return Check(name, ok, detail, round(1000 * (time.perf_counter() - start), 1), missing)


def _print(done: list[Check]) -> None:
    print(f"beltline {__version__} · Python {platform.python_version()} · {platform.platform()}")
    for check in done:
        print(f"  {'ok  ' if check.ok else 'FAIL'} {check.name:10} {check.ms:8.1f} ms  {check.detail}")


def _versions() -> dict[str, Any]:
    names = (*CORE_PACKAGES, *EXTRA_PACKAGES)
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {name: _version(name) for name in names},
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _packages() -> str:
    missing = [name for name in CORE_PACKAGES if _version(name) is None]
    if missing:
        raise ImportError(f"missing {', '.join(missing)}; run: pip install beltline")
    extras = ", ".join(f"{name} {_version(name)}" for name in EXTRA_PACKAGES if _version(name))
    return f"core complete; {extras or 'no [train] extra (not needed to simulate and screen)'}"


def _providers() -> str:
    from beltline.screening.runtime import onnxruntime

    return f"onnxruntime {onnxruntime.__version__}: {', '.join(onnxruntime.get_available_providers())}"


def _write(folder: Path) -> str:
    from beltline.formats import write_atomic

    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder")
    path = folder / f".beltline-write-test-{time.time_ns()}"
    try:
        write_atomic(path, b"x" * 4096)
    finally:
        path.unlink(missing_ok=True)
    return f"{folder.resolve()} takes files"


def _files() -> str:
    import numpy as np

    from beltline.core import Masks
    from beltline.formats import decode_scan, encode_png, encode_tiff

    ramp = np.linspace(0, 1, 64 * 48, dtype=np.float32).reshape(48, 64)
    scan = decode_scan(encode_tiff(ramp, ramp[::-1]))
    if scan.quantity != "transmission" or np.abs(scan.pixels[0] - ramp).max() > 1 / 65535:
        raise RuntimeError("16-bit TIFF does not come back as it was written")
    picture = (np.stack([ramp, ramp[::-1], ramp], axis=2) * 255).astype(np.uint8)
    if not np.array_equal(np.rint(decode_scan(encode_png(picture)).pixels[1] * 255), picture[..., 1]):
        raise RuntimeError("PNG does not come back as it was written")
    if not np.array_equal(Masks.encode(ramp[None] > 0.5).decode()[0], ramp > 0.5):
        raise RuntimeError("run lengths do not come back as they were coded")
    return "PNG, TIFF and masks come back as written"


def _physics() -> str:
    import numpy as np

    from beltline.physics import basis_vector, dual_energy_transmission

    thickness_mm = np.array([[0.0, 10.0, 100.0]], dtype=np.float32)
    low, high = dual_energy_transmission(basis_vector("water")[:, None, None] * thickness_mm)
    if not (low[0, 0] == high[0, 0] == 1 and 1 > low[0, 1] > low[0, 2] > 0 and high[0, 1] > low[0, 1]):
        raise RuntimeError("water does not attenuate as it must")
    return f"10 cm of water passes {low[0, 2]:.3f} (low), {high[0, 2]:.3f} (high)"


def _model() -> str:
    import numpy as np

    from beltline.core import Scan
    from beltline.screening import load_model, screen_scan

    model = load_model()
    belt = Scan(np.ones((3, 480, 640), np.float32), "color", ("r", "g", "b"))
    seen = screen_scan(belt, model).report
    if seen.decision != "clear":
        raise RuntimeError(f"an empty belt is {seen.decision!r} ({seen.reason or 'no reason given'})")
    return f"an empty belt is clear, in {seen.ms['total']:.0f} ms"
