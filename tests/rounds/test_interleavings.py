"""People, leases, imports and reviews in any order, against a plain model that keeps everything in lists."""

import itertools
from collections import Counter
from dataclasses import dataclass, field, replace

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import insert
from tests.rounds.stores import Clock, drawn, new_store, scans

from beltline.core import BadInputError
from beltline.rounds import Draft, schema
from beltline.rounds.items import Items
from beltline.rounds.store import Store

PEOPLE = ("person:ann", "person:bob", "person:eve")
OBJECTS = ((), (drawn(),), (drawn(left=30), drawn("gun", left=9)))  # what a person may find in a scan
ITEMS = 2
BASE, _ = new_store(0)  # one database in memory for all runs, a project in it for each
LONG, SHORT = 600.0, 60.0
BEGUN = ("new", "held", "lapsed", "labelled", "conflict")
COUNT = itertools.count()
SEEN = Counter()  # how often what matters came about in all runs

anything_stored = precondition(lambda self: self.plain.edits)
anything_given = precondition(lambda self: self.plain.given)
anything_held = precondition(lambda self: self.plain.held)
anything_judged = precondition(lambda self: self.plain.of(None, "label", "review"))


@dataclass
class Held:
    """A lease as the model knows it."""

    token: str
    item: int
    person: str
    purpose: str
    bases: tuple
    until: float


@dataclass
class Plain:
    """What must be in the store: only ever added to, apart from leases."""

    edits: list = field(default_factory=list)
    given: dict = field(default_factory=dict)  # every lease there ever was, by token
    held: dict = field(default_factory=dict)  # item: the last lease that was neither released nor submitted
    frozen: dict = field(default_factory=dict)  # name: edits at that moment
    frozen_heads: dict = field(default_factory=dict)  # item: the heads that were frozen last

    def of(self, item, *kinds):
        return [
            edit
            for edit in self.edits
            if (item is None or edit.item == item) and (not kinds or edit.kind in kinds)
        ]

    def heads(self, item):
        """Those that no later label or review starts from, or replaces by the same author's hand."""
        judged = self.of(item, "label", "review")

        def gone(edit):
            return any(
                edit.id in later.bases
                or (later.author == edit.author and set(later.bases) == set(edit.bases))
                for later in judged
                if later.id > edit.id
            )

        return [edit for edit in judged if not gone(edit)]

    def live(self, item, now):
        lease = self.held.get(item)
        return lease if lease is not None and lease.until > now else None

    def stored_state(self, item):
        heads = self.heads(item)
        if not heads:
            return "new"
        if self.frozen_heads.get(item) == [edit.id for edit in heads]:
            return "frozen"
        return "reviewed" if len(heads) == 1 and heads[0].kind == "review" else "labelled"

    def state(self, item, now):
        stored = self.stored_state(item)
        return "leased" if stored == "new" and self.live(item, now) else stored

    def waits_for_second(self, item, double_read):
        readers = {edit.author for edit in self.of(item, "label")}
        return self.stored_state(item) == "labelled" and double_read and len(readers) == 1

    def may_take(self, item, person, purpose, double_read, now):
        if self.live(item, now):
            return False
        if purpose == "label":
            return self.stored_state(item) == "new"
        waits = self.waits_for_second(item, double_read)
        if purpose == "double":
            return waits and person not in {edit.author for edit in self.of(item, "label")}
        mine = person in {edit.author for edit in self.heads(item)}
        return self.stored_state(item) == "labelled" and not waits and not mine


class Interleavings(RuleBasedStateMachine):
    """Whatever is acknowledged stays, no item is in two hands, every state follows from the edits."""

    def __init__(self):
        super().__init__()
        self.clock, self.plain, self.requests = Clock(), Plain(), 0
        with BASE.db.writing() as connection:
            values = {"name": f"run {id(self)} {next(COUNT)}", "seed": 3, "double_share": 0.5, "created": 0.0}
            project = connection.execute(insert(schema.projects).values(values)).inserted_primary_key[0]
        self.store = Store.of(replace(BASE.db, project=project, clock=self.clock))
        added = Items(self.store.db).add(scans(ITEMS))
        self.items = [item.id for item in added]
        self.double = {item.id: item.double_read for item in added}

    @initialize(data=st.data(), begun=st.tuples(*[st.sampled_from(BEGUN)] * ITEMS))
    def something_has_begun(self, data, begun):
        """Or has not: a run need not begin at nothing."""
        for item, how in zip(self.items, begun, strict=True):
            people = PEOPLE[: 2 if how == "conflict" else 0 if how == "new" else 1]
            for person in people:
                assert self.took(person, "label", SHORT, [item])
                self.clock.now += SHORT * (how in ("lapsed", "conflict"))
            if how in ("labelled", "conflict"):
                for lease in [lease for lease in self.plain.given.values() if lease.item == item]:
                    self.submitted(lease, data.draw(st.sampled_from(OBJECTS)))

    def key(self):
        self.requests += 1
        return f"request {self.requests}"

    def keep(self, edit, item, author, kind, objects, request, bases):
        """What came back is what was sent; from now on it must stay."""
        got = (edit.item, edit.author, edit.kind, edit.objects, edit.request, edit.bases, edit.time)
        assert got == (item, author, kind, objects, request, bases, self.clock.now)
        assert all(edit.id > other.id for other in self.plain.edits)
        SEEN["thawed"] += self.plain.stored_state(item) == "frozen" and kind != "proposal"
        self.plain.edits.append(edit)

    @rule(seconds=st.sampled_from((1.0, SHORT, LONG)))
    def time_passes(self, seconds):
        self.clock.now += seconds

    @rule(
        person=st.sampled_from(PEOPLE),
        purposes=st.permutations(("label", "double", "review")),
        seconds=st.sampled_from((SHORT, LONG)),
        order=st.permutations(range(ITEMS)),
        done=st.sampled_from((None, *OBJECTS)),
    )
    def somebody_takes_an_item(self, person, purposes, seconds, order, done):
        """For the first purpose for which there is one, and submits it at once or holds it."""
        wanted = [self.items[k] for k in order]
        taken = any(self.took(person, purpose, seconds, wanted) for purpose in purposes)
        if taken and done is not None:
            self.submitted(list(self.plain.given.values())[-1], done)

    def took(self, person, purpose, seconds, order):
        now = self.clock.now
        may = [i for i in order if self.plain.may_take(i, person, purpose, self.double[i], now)]
        lease = self.store.leases.take(person, order, purpose=purpose, seconds=seconds)
        assert (None if lease is None else lease.item) == next(iter(may), None)
        if lease is None:
            return False
        proposals = self.plain.of(lease.item, "proposal")[-1:]
        shown = self.plain.heads(lease.item) if purpose == "review" else proposals
        expected = (person, purpose, tuple(edit.id for edit in shown), now + seconds)
        assert (lease.person, lease.purpose, lease.bases, lease.until) == expected
        held = Held(lease.token, lease.item, person, purpose, lease.bases, lease.until)
        assert lease.token not in self.plain.given
        self.plain.given[lease.token] = self.plain.held[lease.item] = held
        return True

    def some_lease(self, data):
        """Any that there ever was, the latest first of all."""
        return self.plain.given[data.draw(st.sampled_from(list(reversed(self.plain.given))))]

    @anything_given
    @rule(data=st.data(), seconds=st.sampled_from((SHORT, LONG)))
    def a_heart_beats(self, data, seconds):
        lease = self.some_lease(data)
        if self.plain.held.get(lease.item) is not lease:
            with pytest.raises(BadInputError, match="has ended"):
                self.store.leases.heartbeat(lease.token, seconds=seconds)
            return
        SEEN["revived"] += lease.until <= self.clock.now
        lease.until = self.store.leases.heartbeat(lease.token, seconds=seconds).until
        assert lease.until == self.clock.now + seconds

    @anything_given
    @rule(data=st.data())
    def somebody_gives_back(self, data):
        lease = self.some_lease(data)
        self.store.leases.release(lease.token)
        self.ended(lease)

    def ended(self, lease):
        if self.plain.held.get(lease.item) is lease:
            del self.plain.held[lease.item]

    @anything_held
    @rule(data=st.data(), objects=st.sampled_from(OBJECTS))
    def somebody_submits(self, data, objects):
        self.submitted(data.draw(st.sampled_from(list(self.plain.held.values()))), objects)

    @anything_given
    @rule(data=st.data(), objects=st.sampled_from(OBJECTS))
    def somebody_submits_after_all(self, data, objects):
        self.submitted(self.some_lease(data), objects)

    def submitted(self, lease, objects):
        request = self.key()
        kind = "review" if lease.purpose == "review" else "label"
        before = {edit.id for edit in self.plain.heads(lease.item)}
        edit = self.store.edits.submit(lease.token, objects, request=request)
        self.keep(edit, lease.item, lease.person, kind, objects, request, lease.bases)
        self.ended(lease)
        heads = self.plain.heads(lease.item)
        lost = [e for e in self.plain.edits if e.id in before - {e.id for e in heads} - set(lease.bases)]
        assert edit in heads
        late = self.plain.given[lease.token].until <= self.clock.now
        SEEN["late"] += late
        SEEN["late beside another"] += late and len(heads) > 1
        SEEN[f"{lease.purpose} submitted"] += 1
        assert all(other.author == lease.person for other in lost)  # nobody else's work gives way unseen

    @anything_stored
    @rule(data=st.data(), other=st.sampled_from((None, *OBJECTS)))
    def a_request_comes_again(self, data, other):
        """With the same edit, or by mistake with another one."""
        edit = data.draw(st.sampled_from(self.plain.edits))
        same = Draft(edit.item, edit.author, edit.kind, edit.objects, edit.request, edit.bases, 99.0)
        if other is None or other == edit.objects:
            assert self.store.edits.add([same]) == [edit]
            return
        with pytest.raises(BadInputError, match="was used for another edit"):
            self.store.edits.add([replace(same, objects=other)])

    @rule(data=st.data(), kind=st.sampled_from(("proposal", "label")), objects=st.sampled_from(OBJECTS))
    def something_comes_without_a_lease(self, data, kind, objects):
        item = data.draw(st.sampled_from(self.items))
        before = data.draw(st.sampled_from([None, *self.plain.of(item)]))
        bases = () if before is None else (before.id,)
        author = "model:clicks@5b7a" if kind == "proposal" else "import:cvat"
        draft = Draft(item, author, kind, objects, self.key(), bases)
        [edit] = self.store.edits.add([draft])
        self.keep(edit, item, author, kind, objects, draft.request, bases)

    @anything_judged
    @rule(data=st.data(), person=st.sampled_from(PEOPLE), objects=st.sampled_from(OBJECTS))
    def somebody_settles(self, data, person, objects):
        """A review of all that stands, or of what the person happened to see."""
        item = data.draw(st.sampled_from([item for item in self.items if self.plain.heads(item)]))
        heads = [edit.id for edit in self.plain.heads(item)]
        seen = data.draw(st.permutations(heads)) if data.draw(st.booleans()) else heads[-1:]
        request = self.key()
        edit = self.store.edits.settle(seen, person, objects, request=request)
        self.keep(edit, item, person, "review", objects, request, tuple(seen))
        SEEN["settled"] += 1 < len(seen) == len(heads)

    @anything_judged
    @rule(data=st.data(), person=st.sampled_from(PEOPLE))
    def somebody_accepts_as_it_is(self, data, person):
        old = data.draw(st.sampled_from(self.plain.of(None, "label", "review")))
        request = self.key()
        edit = self.store.edits.mark_reviewed(old.id, person, request=request)
        same = tuple(replace(thing, proposed=number) for number, thing in enumerate(old.objects))
        self.keep(edit, old.item, person, "review", same, request, (old.id,))

    @anything_judged
    @rule()
    def a_version_is_frozen(self):
        name = f"v{len(self.plain.frozen)}"
        ready = [i for i in self.items if self.plain.stored_state(i) in ("reviewed", "frozen")]
        if not ready:
            with pytest.raises(BadInputError, match="nothing is reviewed"):
                self.store.versions.freeze(name)
            return
        version = self.store.versions.freeze(name)
        heads = {item: self.plain.heads(item)[0] for item in ready}
        assert version.edits == {item: edit.id for item, edit in heads.items()}
        self.plain.frozen[name] = list(heads.values())
        self.plain.frozen_heads |= {item: [edit.id] for item, edit in heads.items()}

    @invariant()
    def states_and_leases_are_those_of_the_model(self):
        now = self.clock.now
        found = {item.id: item.state for item in self.store.items.find()}
        assert found == {item: self.plain.state(item, now) for item in self.items}
        live = {lease.item: lease.token for lease in self.store.leases.live()}
        held = {item: self.plain.live(item, now) for item in self.items}
        assert live == {item: lease.token for item, lease in held.items() if lease}

    def teardown(self):
        """Everything that was ever acknowledged is there, as it was."""
        assert self.store.edits.find() == self.plain.edits
        heads = {item: tuple(self.plain.heads(item)) for item in self.items}
        assert self.store.edits.heads() == {item: edits for item, edits in heads.items() if edits}
        conflicts = {item: edits for item, edits in heads.items() if len(edits) > 1}
        assert self.store.edits.conflicts() == conflicts
        for name, edits in self.plain.frozen.items():
            assert self.store.versions.edits(name) == edits
        self.counts_agree(conflicts)

    def counts_agree(self, conflicts):
        counts, now = self.store.items.counts(), self.clock.now
        states = [self.plain.state(item, now) for item in self.items]
        assert counts.states == {state: states.count(state) for state in counts.states}
        assert sum(counts.states.values()) == ITEMS
        assert counts.conflicts == len(conflicts)
        assert counts.leases == sum(self.plain.live(item, now) is not None for item in self.items)
        waiting = [self.plain.waits_for_second(item, self.double[item]) for item in self.items]
        assert counts.waiting_double == sum(waiting)
        kinds = [edit.kind for edit in self.plain.edits]
        assert counts.edits == {kind: kinds.count(kind) for kind in counts.edits}


def interleave(runs, steps):
    SEEN.clear()
    profile = settings(max_examples=runs, stateful_step_count=steps, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Interleavings, settings=profile)
    rare = ("late beside another", "settled", "double submitted", "review submitted", "revived", "thawed")
    assert min(SEEN[name] for name in rare) >= runs / 50, SEEN


def test_no_interleaving_loses_or_overwrites_anything():
    interleave(200, 10)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_ten_thousand_interleavings():
    interleave(10_000, 12)
