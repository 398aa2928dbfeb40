"""Killed while writing, as hard as a process can be: every edit that was acknowledged is there."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest
from tests.rounds.stores import new_store

from beltline.rounds import KINDS, Link, heads_of, open_store

ITEMS = 40

# Imports once; for each line a child opens the store anew, says its number and then every key that the store
# has acknowledged. What it writes is not buffered: it is in the pipe before the next edit begins.
WRITER = """
import os, sys
from beltline.rounds import Draft, open_store
from tests.rounds.stores import drawn
import beltline.rounds.store
def write(folder, run):
    say = lambda text: os.write(1, f"{text}\\n".encode())
    say(f"pid {os.getpid()}")
    store = open_store(folder)
    items = [item.id for item in store.items.find()]
    thing, number = drawn(), 0
    while True:
        key = f"{run}-{number}"
        lease = store.leases.take("person:ann", items[number % len(items):])
        if lease is not None:
            store.edits.submit(lease.token, [thing], request=key)
        else:
            kind = ("proposal", "label")[number % 2]
            item = items[number % len(items)]
            store.edits.add([Draft(item, f"import:{number % 3}", kind, [thing], key)])
        say(key)
        number += 1
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        write(*line.split())
    os.waitpid(child, 0)
    os.write(1, b"dead\\n")
"""


class Writers:
    """Starts writers and kills them."""

    def __init__(self, folder):
        command = [sys.executable, "-c", WRITER]
        self.folder = folder
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
        )

    def one_killed(self, run, after_keys, after_s):
        """The keys that a writer has acknowledged, killed some time after so many of them."""
        self.process.stdin.write(f"{self.folder} {run}\n")
        self.process.stdin.flush()
        pid = int(self.process.stdout.readline().split()[1])
        keys = [self.process.stdout.readline() for _ in range(after_keys)]
        time.sleep(after_s)
        os.kill(pid, signal.SIGKILL)
        keys += iter(self.process.stdout.readline, "dead\n")
        return [key.strip() for key in keys]

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(10) == 0
        self.process.stdout.close()


def environment():
    paths = [*(path for path in sys.path if path), os.getcwd()]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def require_sound(folder):
    """The file is whole, and heads and states are those that follow from the edits."""
    with sqlite3.connect(folder / "rounds.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
    store = open_store(folder)
    by_item = {item.id: [] for item in store.items.find()}
    edits = store.edits.find()
    for edit in edits:
        assert edit.kind in KINDS
        by_item[edit.item].append(Link(edit.id, edit.author, edit.kind, edit.bases))
    heads = {item: heads_of(links) for item, links in by_item.items()}
    found = {item: tuple(edit.id for edit in edits) for item, edits in store.edits.heads().items()}
    assert found == {item: numbers for item, numbers in heads.items() if numbers}
    store.close()
    return {edit.request for edit in edits}


def kill_often(folder, kills):
    """Kill writers at random moments; returns how many edits were acknowledged."""
    new_store(ITEMS, where=folder, clock=time.time)[0].close()
    rng, acknowledged, lost = np.random.default_rng(7), set(), 0
    writers = Writers(folder)
    for run in range(
        kills
    ):  # some while it opens the store, some while it writes the first edit or the tenth
        acknowledged |= set(writers.one_killed(run, rng.integers(0, 9), rng.uniform(0.0, 0.02)))
        lost += len(acknowledged - require_sound(folder))
    writers.close()
    assert lost == 0
    return len(acknowledged)


posix = pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")


@posix
def test_12_kills_lose_nothing_acknowledged(tmp_path):
    assert kill_often(tmp_path, 12) > 12


@posix
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_200_kills_lose_nothing_acknowledged(tmp_path):
    assert kill_often(tmp_path, 200) > 200
