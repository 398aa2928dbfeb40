"""Killed while writing: what is there is whole, and the next run goes on."""

import os
import signal
import subprocess
import sys
import time

import pytest

from beltline.formats import SetWriter, read_set, remove_leftovers, verify_set, write_atomic

WRITER = """
import sys, numpy as np
from beltline.formats import SetWriter
root, start, stop = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
writer = SetWriter(root, classes=("gun",))
for number in range(start, stop):
    if not writer.has(f"bag{number:04d}"):
        rng = np.random.default_rng(number)
        image = rng.integers(0, 256, (90, 120, 3), dtype=np.uint8)
        writer.add(f"bag{number:04d}", image=image, raw=(rng.random((90, 120)), rng.random((90, 120))))
        print(number, flush=True)
writer.finish()
"""


def start(root, first, last):
    command = [sys.executable, "-c", WRITER, str(root), str(first), str(last)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def wait_for_items(process, count):
    for _ in range(count):
        assert process.stdout.readline()


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")
@pytest.mark.parametrize("delay_ms", [0, 3, 7])
def test_kill_9_loses_at_most_the_item_in_hand(tmp_path, delay_ms):
    process = start(tmp_path, 0, 10_000)
    wait_for_items(process, 4)
    time.sleep(delay_ms / 1000)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    writer = SetWriter(tmp_path, classes=("gun",))
    done = writer.names()
    assert len(done) >= 4
    assert not list(tmp_path.rglob("*.tmp"))
    writer.finish()
    assert verify_set(tmp_path) == []
    for sample in read_set(tmp_path):
        assert sample.scan.pixels.shape == (3, 90, 120)


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")
def test_a_killed_run_goes_on_to_the_same_set(tmp_path):
    process = start(tmp_path / "killed", 0, 8)
    wait_for_items(process, 2)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    for root in ("killed", "whole"):
        process = start(tmp_path / root, 0, 8)
        process.communicate()
        assert process.returncode == 0
    for table in ("annotations.json", "labels.csv", "card.json"):
        assert (tmp_path / "killed" / table).read_bytes() == (tmp_path / "whole" / table).read_bytes()


def test_two_processes_may_fill_one_set(tmp_path):
    both = [start(tmp_path, 0, 4), start(tmp_path, 4, 8)]
    for process in both:
        process.communicate()
    SetWriter(tmp_path, classes=("gun",)).finish()
    assert len(read_set(tmp_path)) == 8
    assert verify_set(tmp_path) == []


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "scan.png"
    write_atomic(path, b"old")
    with pytest.raises(TypeError):
        write_atomic(path, 12)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["scan.png"]


def test_leftovers_of_the_living_stay(tmp_path):
    mine = tmp_path / f".a.png.{os.getpid()}.tmp"
    dead = tmp_path / ".b.png.4194999.tmp"
    for path in (mine, dead):
        path.write_bytes(b"part")
    assert remove_leftovers(tmp_path) == 1
    assert mine.exists()
    assert not dead.exists()
