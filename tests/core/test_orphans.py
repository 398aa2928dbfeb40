"""Helping processes do not outlive the one they help."""

import os
import signal
import subprocess
import sys
import time

import pytest

PARENT = """
import multiprocessing, sys, time
from beltline.core.orphans import end_with_parent

def help_out():
    end_with_parent(0.05)
    time.sleep(60)

helper = multiprocessing.get_context("fork").Process(target=help_out)
helper.start()
print(helper.pid, flush=True)
helper.join()
"""


def runs(pid):
    """Whether a process is there and no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as stream:
            return stream.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks into /proc")
def test_a_helper_ends_when_the_one_it_helps_is_killed():
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        helper = int(parent.stdout.readline())
        assert runs(helper)
        os.kill(parent.pid, signal.SIGKILL)
    until = time.monotonic() + 10
    while runs(helper) and time.monotonic() < until:
        time.sleep(0.05)
    assert not runs(helper)
