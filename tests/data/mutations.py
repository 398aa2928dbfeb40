"""Damage to a tree of files: bytes, values of JSON, fields of XML and of lines, files gone or swapped."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

HUGE = [10**400, 999_999_999_999, -999_999_999_999, 2**31, 2**63, 1e308, -1e308, float("inf"), float("nan")]
ODD = [
    *HUGE, 0, -1, 0.5, 1e-320, True, None, "", "x", "\0", "a\nb", "..", "../../up", "/etc/passwd", "\ud800",
    "long" * 100, "éà", [], {}, [[]], [1], {"size": [3, 4], "counts": [1]}, {"size": None, "counts": "x"},
]  # fmt: skip
SIZES = [[48, 64], [48, 64], [48, 64], [64, 48], [-48, -64], [2**20, 2**20], [48], None, [48.0, 64.0]]
RUN_LENGTHS = [
    [], [5], [-1, 3073], [3072], [0, 3072], [3000, 73], [2**40], [1.5, 3070.5], ["a"], [None], [[1]],
    [10**400],
    "", "x", "0", "P" * 40, "o" * 16, "é", "\0", "\ud800", "PPPPPPPPPPP0" * 3, 7, {}, True,
]  # fmt: skip
WORDS = [
    "999999999999", "1e308", "1e999", "inf", "-inf", "nan", "-5", "0", "-0", "0x10", "1_0", "1,2", "9" * 30,
    "9" * 5000, "", "x", "\0", "..", "../../up", "a/b", "long" * 100, "é", "٣", "²", "\t", "a\rb",
]  # fmt: skip
BYTES = [b"\xff\xfe", b"\0\0\0\0", b"\xed\xa0\x80", b"\n\n", b"<", b'"', b"{", b",", b"]" * 3]


def mutate(root, rng):
    """Damage one file below ``root``; returns in words what was done."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    if not files:
        return "nothing is left"
    texts = [path for path in files if path.suffix.lower() not in (".png", ".jpg")]
    path = _pick(texts if texts and rng.random() < 0.85 else files, rng)
    own = _OWN.get(path.suffix.lower())
    how = own if own is not None and rng.random() < 0.8 else _pick(_ANY, rng)
    name = path.relative_to(root)
    if how in _ANY_TREE:
        return f"{how.__name__} {name}: {how(path, _pick(files, rng), rng)}"
    before = path.read_bytes()
    after = how(before, rng)
    path.write_bytes(after)
    return f"{how.__name__} {name}"


def _pick(things, rng):
    """One of them."""
    return things[int(rng.integers(len(things)))]


def _truncate(data, rng):
    return data[: int(rng.integers(len(data) + 1))]


def _flip(data, rng):
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        if changed:
            changed[int(rng.integers(len(changed)))] = int(rng.integers(256))
    return bytes(changed)


def _insert(data, rng):
    at = int(rng.integers(len(data) + 1))
    return data[:at] + _pick(BYTES, rng) + data[at:]


def _empty(data, rng):
    return b""


def _deep(data, rng):
    return _pick([b"[" * 100_000, b'{"a":' * 50_000, b"<a>" * 50_000], rng)


def _json(data, rng):
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return _flip(data, rng)
    holder, key = _place(tree, rng)
    if holder is None:
        return json.dumps(_pick(ODD, rng)).encode()
    chance = rng.random()
    if chance < 0.1:
        del holder[key]
    elif chance < 0.2 and isinstance(holder, list):
        holder.append(holder[key])
    elif chance < 0.5 and key in ("segmentation", "polygon"):
        holder[key] = {"size": _pick(SIZES, rng), "counts": _pick(RUN_LENGTHS, rng)}
    elif chance < 0.6 and key == "rle":
        holder[key] = _pick([*RUN_LENGTHS, [0, 0, 48, 0, 57, 27, 255, 255, 255], [255] * 40], rng)
    else:
        holder[key] = _pick(ODD, rng)
    return json.dumps(tree).encode()


def _place(tree, rng):
    """A random value of a JSON tree, as its holder and key; deeper ones, and outlines, more often."""
    if isinstance(tree, dict) and rng.random() < 0.4:
        rows = tree.get("annotations", tree.get("objects"))
        rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        places = [(row, key) for row in rows for key in ("segmentation", "polygon") if key in row]
        if places:
            return _pick(places, rng)
    holder, key = None, None
    while isinstance(tree, dict | list) and tree and (holder is None or rng.random() < 0.85):
        holder, key = tree, _pick(list(tree) if isinstance(tree, dict) else range(len(tree)), rng)
        tree = tree[key]
    return holder, key


def _field(pattern):
    def change_field(data, rng):
        text = data.decode("utf-8", errors="replace")
        found = list(re.finditer(pattern, text))
        if not found:
            return _insert(data, rng)
        match = _pick(found, rng)
        return (text[: match.start()] + _pick(WORDS, rng) + text[match.end() :]).encode()

    return change_field


def _lines(data, rng):
    rows = data.splitlines(keepends=True) or [b"x\n"]
    row = _pick(rows, rng)
    rows.insert(int(rng.integers(len(rows) + 1)), row)
    if rng.random() < 0.5:
        rows.remove(_pick(rows, rng))
    return b"".join(rows)


def _remove(path, other, rng):
    path.unlink()


def _swap(path, other, rng):
    one, two = path.read_bytes(), other.read_bytes()
    path.write_bytes(two)
    other.write_bytes(one)
    return other.name


def _folder_instead(path, other, rng):
    path.unlink()
    path.mkdir()


def _renamed(path, other, rng):
    names = ("x" * 250 + path.suffix, "a b" + path.suffix, ".png", path.name + ".png", "..." + path.suffix)
    target = path.with_name(_pick(names, rng))
    path.rename(target)
    return target.name[:20]


def _dangling_link(path, other, rng):
    path.unlink()
    path.symlink_to(_pick([path, Path("nowhere")], rng))


def _branch_gone(path, other, rng):
    shutil.rmtree(path.parent)


_ANY_TREE = (_remove, _swap, _folder_instead, _renamed, _dangling_link, _branch_gone)
_ANY = (_truncate, _flip, _insert, _empty, _deep, _lines, *_ANY_TREE)
_ELEMENT, _WORD = _field(r"(?<=>)[^<>]+(?=<)|(?<=<)[^<>]+(?=>)"), _field(r"[^\s,]+")
_ATTRIBUTE = _field(r'(?<=")[^"<>]*(?="[ />?])')


def _xml(data, rng):
    return _pick([_ELEMENT, _ATTRIBUTE], rng)(data, rng)


_OWN = {".json": _json, ".xml": _xml, ".txt": _WORD, ".csv": _WORD, ".yaml": _WORD}
