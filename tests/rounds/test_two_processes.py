"""Several people at once, each in a process of their own: no item goes to two of them, no edit gets lost."""

import subprocess
import sys
import time

from tests.rounds.stores import new_store
from tests.rounds.test_kill import environment

from beltline.rounds import open_store

ITEMS, PEOPLE = 30, 2

# At each word takes an item and says which, or submits the one in hand.
PERSON = """
import sys
from beltline.rounds import open_store
store, lease = open_store(sys.argv[1]), None
print("ready", flush=True)
for number, word in enumerate(sys.stdin):
    if word == "take\\n":
        lease = store.leases.take(sys.argv[2])
        print(lease.item if lease else 0, flush=True)
    else:
        edit = store.edits.submit(lease.token, [], request=f"{sys.argv[2]} {number}")
        print(edit.id, flush=True)
store.close()
"""


def start(folder, person):
    command = [sys.executable, "-c", PERSON, str(folder), person]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
    )


def all_at_once(people, word):
    """Tell everybody the same word before anybody has answered; their answers."""
    for process in people:
        process.stdin.write(f"{word}\n")
        process.stdin.flush()
    return [int(process.stdout.readline()) for process in people]


def test_people_at_once_never_get_the_same_item(tmp_path):
    new_store(ITEMS, where=tmp_path, clock=time.time)[0].close()
    people = [start(tmp_path, f"person:{number}") for number in range(PEOPLE)]
    assert [process.stdout.readline() for process in people] == PEOPLE * ["ready\n"]
    items, edits = [], []
    for _ in range(ITEMS // PEOPLE):
        items += all_at_once(people, "take")
        edits += all_at_once(people, "submit")
    assert sorted(items) == list(range(1, ITEMS + 1))
    assert all_at_once(people, "take") == PEOPLE * [0]
    for process in people:
        process.communicate(timeout=60)
        assert process.returncode == 0
    store = open_store(tmp_path)
    assert {edit.id: edit.item for edit in store.edits.find()} == dict(zip(edits, items, strict=True))
    assert store.items.counts().states["labelled"] == ITEMS
    assert not store.edits.conflicts()
    store.close()
