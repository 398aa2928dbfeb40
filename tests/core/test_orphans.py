"""Helping processes do not outlive the one they help."""

import os
import signal
import subprocess
import sys
import time

import pytest

from beltline.core.orphans import end_with_parent

PARENT = """
import multiprocessing, sys, time
from beltline.core.orphans import end_with_parent

def help_out():
    end_with_parent()
    time.sleep(60)

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    helpers = [context.Process(target=help_out) for _ in range(3)]
    for helper in helpers:
        helper.start()
    print(*(helper.pid for helper in helpers), flush=True)
    helpers[0].join()
"""


def runs(pid):
    """Whether a process is there and no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as stream:
            return stream.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks into /proc")
@pytest.mark.parametrize("how", ["fork", "spawn"])
def test_helpers_end_when_the_one_they_help_is_killed(how, tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    words = [sys.executable, str(script), how]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as parent:
        helpers = [int(pid) for pid in parent.stdout.readline().split()]
        assert all(map(runs, helpers))
        time.sleep(0.5 if how == "fork" else 3)  # until they watch
        os.kill(parent.pid, signal.SIGKILL)
    until = time.monotonic() + 20
    while any(map(runs, helpers)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(runs, helpers))


def test_it_is_for_helpers_alone():
    with pytest.raises(RuntimeError, match="this is none"):
        end_with_parent()
