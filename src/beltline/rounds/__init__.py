"""Annotation in rounds: who is at which scan, what everybody and everything said of it, and what stands.

A store is one object::

    store = create_store("ROUNDS")                     # or open_store; a folder, or a URL of PostgreSQL
    items = store.items.add([NewItem("images/bag0.png", sha256, width, height), ...])
    store.edits.add([Draft(items[0].id, "model:clicks@5b7a", "proposal", objects, request="p-bag0"), ...])
    lease = store.leases.take("person:ann", order)     # None if there is nothing to do; heartbeat, release
    edit = store.edits.submit(lease.token, objects, request=key)        # durable when it returns
    lease = store.leases.take("person:bob", purpose="review")           # "double": a second label, unseen
    store.edits.submit(lease.token, objects, request=key)               # a review of lease.bases
    store.edits.conflicts(); store.edits.settle(bases, "person:eve", objects, request=key)
    store.versions.freeze("v1"); store.versions.edits("v1"); store.items.counts()
    store.rounds.start(models, [Pick(item, "chance"), ...]); store.rounds.record(1, {"clicks": 1.8})

Edits are added and never changed. What stands of them, and the state of an item, follows from one rule
(`heads_of`). Nothing of the store imports torch; SQLAlchemy (``beltline[service]``) is imported when a store
is opened.
"""

from beltline.metrics.clicks import Click
from beltline.rounds.heads import Link, heads_of, state_of
from beltline.rounds.objects import EditedObject, RunLengths, check_author, check_objects, masks_of
from beltline.rounds.opening import create_store, open_store
from beltline.rounds.project import Begun, Project, new_project, open_project
from beltline.rounds.records import (
    KINDS,
    PURPOSES,
    SPLITS,
    STATES,
    Counts,
    Draft,
    Edit,
    Item,
    Kind,
    Lease,
    NewItem,
    Pick,
    Purpose,
    RoundRecord,
    Split,
    State,
    Version,
)

__all__ = [
    # the store
    "create_store", "open_store",
    # the folder of a project
    "new_project", "open_project", "Project", "Begun",
    # records
    "NewItem", "Item", "EditedObject", "Click", "Draft", "Edit", "Lease", "Pick", "RoundRecord", "Version",
    "Counts",
    # words
    "State", "Split", "Kind", "Purpose", "STATES", "SPLITS", "KINDS", "PURPOSES", "RunLengths",
    # what stands
    "Link", "heads_of", "state_of",
    # objects
    "check_author", "check_objects", "masks_of",
]  # fmt: skip
