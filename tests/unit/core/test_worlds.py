"""Whatever the world looks like: there is an answer, it is safe, it is said clearly, and then there is quiet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests import support_kstatus
from tests.unit.core.builders import (
    EXPECTED_ID,
    FULL,
    OUTAGE,
    body_of,
    glance_image,
    later,
    memory,
    queued,
    read_again,
    spec,
    task,
    tried,
    view,
)
from tests.unit.core.caches import COMING, FILLED, HAVE, NOT, ROOM
from tests.unit.core.scenarios import BOTH, EITHER, MISSING, NO_COPY
from tests.unit.core.scenarios.pods import AGAIN, CONVERTING, EACH, FIRST, GIB, LEAVING, SECOND, SHARED, STARTING
from tests.unit.core.scenarios.proving import RIGHT, WRONG
from tests.unit.core.scenarios.row import OTHER_UID

from glance_operator.core.conditions import find
from glance_operator.core.image import arrival, caching, content, decide, digests, identity, stores, verification
from glance_operator.core.image.adoption import TakeOver
from glance_operator.core.image.caches import Caches
from glance_operator.core.image.content import CreateImage, Discard, ImportFromUrl
from glance_operator.core.image.deletion import DeleteImage
from glance_operator.core.image.metadata import UpdateImage
from glance_operator.core.image.observed import Cause, Flight, Found, GlanceImage, Memory, View
from glance_operator.core.image.others import Referred
from glance_operator.core.image.removal import DeleteFromStore
from glance_operator.core.image.sources import Answer, Fate
from glance_operator.core.image.status import status
from glance_operator.core.image.stores import CopyToStores
from glance_operator.core.plan import AddFinalizer, LetGo, Phase, Plan

CHECKED = {"http": {"url": "https://x.example.org/y"}, "checksum": {"sha512": RIGHT}}
SPECS = st.one_of(
    st.sampled_from([spec(), EITHER, BOTH, spec(stores={"names": ["nope", "central"]}), spec(stores={"all": {}})]),
    st.builds(
        lambda **wish: spec(**{k: v for k, v in wish.items() if v is not None}),
        suspend=st.booleans(),
        visibility=st.sampled_from([None, "private", "public", "shared"]),
        protected=st.sampled_from([None, True, False]),
        driftPolicy=st.sampled_from(["Correct", "Report"]),
        deletionPolicy=st.sampled_from([None, "Delete", "DeleteProtected", "Retain"]),
        retryLimit=st.sampled_from([-1, 0, 5]),
        tags=st.sampled_from([None, ["a"]]),
        properties=st.sampled_from([None, {"a": "1"}]),
        adopt=st.sampled_from([None, None, {"id": EXPECTED_ID}, {"name": "focal"}, {"id": EXPECTED_ID, "force": True}]),
        kernelRef=st.sampled_from([None, None, {"name": "vmlinuz"}]),
        source=st.sampled_from([None, {"http": {"url": "https://x.example.org/y"}}, {"upload": {}}, CHECKED]),
        stores=st.sampled_from([None, {"names": ["central"]}, {"all": {"except": ["dcn0"]}}]),
        cache=st.sampled_from([None, {"prefetch": "None"}, {"prefetch": "AllNodes"}]),
    ),
)
MARKS = st.sampled_from(
    [
        {},
        {},
        {},
        {identity.CLUSTER: "there"},
        {identity.UID: OTHER_UID, identity.OWNER: "x/y"},
        {identity.CONTENT: "other"},
        {"a": "2"},
    ]
)
WORDS = st.sampled_from(["queued", "importing", "uploading", "deactivated", "killed", "pending_delete"])
ACTIVE = st.builds(
    glance_image,
    size=st.sampled_from([1536, 1536, 0]),
    disk_format=st.sampled_from(["", "qcow2", "qcow2", "raw"]),
    stores=st.sampled_from([(), ("central",), ("dcn0",), ("central", "dcn0"), ("central", "dcn0", "dcn1")]),
    lock=st.sampled_from(["", "", "t1"]),
    name=st.sampled_from(["jammy", "focal"]),
    visibility=st.sampled_from(["private", "public", "shared"]),
    protected=st.booleans(),
    tags=st.sampled_from([frozenset(), frozenset("ab")]),
    hash_algo=st.sampled_from(["sha512", "sha512", "sha256"]),
    hash_value=st.sampled_from([RIGHT, WRONG]),
    properties=MARKS | st.just({identity.CONTENT: content.content_hash(spec(source=CHECKED))}),
)
EMPTY = st.builds(queued, status=WORDS, lock=st.sampled_from(["", "t1"]), properties=MARKS)
IMAGES: st.SearchStrategy[GlanceImage | None] = st.one_of(st.none(), ACTIVE, EMPTY)
TASKS = st.sampled_from([None, task("pending"), task("processing"), task("success"), task("failure")])
TRIED = st.dictionaries(
    st.sampled_from(["central", "dcn0", "dcn1"]), st.builds(tried, st.integers(1, 6), st.integers(-9, 9))
)
MEMORIES = st.one_of(
    st.builds(
        Memory,
        incarnation=st.integers(1, 3),
        attempts=st.integers(0, 6),
        next_attempt=st.sampled_from([None, later(-5), later(5)]),
        stores=TRIED,
        cause=st.sampled_from(["", "source answered 404"]),
        rejected=st.sampled_from(["", EXPECTED_ID]),
    ),
    st.builds(
        Memory,
        node=st.just("glance-0"),
        container_id=st.sampled_from([FIRST.container_id, AGAIN.container_id]),
        lost=st.integers(0, 5),
        task_id=st.sampled_from(["", "t1"]),
    ),
    st.builds(
        memory,
        stores=TRIED,
        was_ready=st.booleans(),
        applied_tags=st.just(frozenset("b")),
        filled=st.sampled_from([frozenset(), frozenset({"central", "dcn0", "dcn1"})]),
        cached=st.sampled_from([{}, FILLED]),
    ),
)
PODS = st.sampled_from([(), (FIRST, SECOND), (AGAIN, SECOND), (STARTING,), (LEAVING, SECOND)])
ROOMS = st.sampled_from([None, SHARED, EACH, CONVERTING])
FLIGHTS = st.sampled_from([(), (Flight("glance-0", GIB),), (Flight("", 1), Flight("glance-1"))])
FOUND = st.builds(Found, st.sampled_from([None, 7, GIB + 1]), st.sampled_from([None, GIB]))
ANSWERS = st.sampled_from(
    [
        *(None, Answer(), Answer(Fate.UNRESOLVED), Answer(Fate.ANSWERED, code=503, retry_after=60)),
        *(Answer(Fate.ANSWERED, code=206, size=1 << 20), Answer(Fate.ANSWERED, code=200, head=b"<html>")),
    ]
)
LISTS = st.dictionaries(st.sampled_from(["glance-0", "glance-1"]), st.sampled_from([HAVE, COMING, NOT]))
KERNELS = st.builds(
    Referred,
    st.just("vmlinuz"),
    exists=st.booleans(),
    image_id=st.sampled_from(["", "k1"]),
    ready=st.booleans(),
    near=st.sampled_from([True, True, False]),
    circle=st.sampled_from([(), (), ("vmlinuz", "jammy")]),
)
TROUBLES = st.sampled_from(
    [None, None, None, (OUTAGE, Cause.OUTAGE), (MISSING, Cause.MISSING), (OUTAGE, Cause.INVALID)]
)


@st.composite
def worlds(draw: st.DrawFn) -> View:
    """Views as looks make them: what was not asked for is not known."""
    trouble = draw(TROUBLES)
    one = view(
        spec=draw(SPECS),
        memory=draw(MEMORIES),
        finalized=draw(st.sampled_from([True, True, True, False])),
        deleted_at=draw(st.sampled_from([None, None, later(-1), later(-400)])),
    )
    one = one if one.finalized or not one.deleted_at else replace(one, deleted_at=None)
    if one.spec.suspend or trouble:
        found = trouble or (None, None)
        return replace(one, looked=False, trouble=found[0], cause=found[1])
    image = draw(IMAGES)
    members = {"p2": "pending"} if image and image.visibility == "shared" else None
    service = draw(st.sampled_from([FULL, FULL, NO_COPY]))
    one = replace(
        one, draining=draw(st.sampled_from([frozenset(), frozenset(), frozenset({"dcn0"}), frozenset({"central"})]))
    )
    burnt = image is None and draw(st.booleans())
    task_ = draw(TASKS) if image else None
    one = replace(one, image=image, task=task_, members=members, service=service, burnt=burnt)
    one = replace(one, candidates=(EXPECTED_ID,) if image else (), owner_gone=draw(st.booleans()))
    one = replace(one, referred={"kernel_id": draw(KERNELS)} if one.spec.kernel_ref else {})
    one = replace(one, answer=draw(ANSWERS), silent_for=draw(st.sampled_from([0.0, 0.0, 9999.0])))
    if draw(st.booleans()):
        return one
    gone = draw(st.sampled_from([0.0, 99.0]))
    one = replace(one, nodes=draw(PODS), room=draw(ROOMS), found=draw(FOUND), flights=draw(FLIGHTS), gone_for=gone)
    return with_caches(draw, one)


def with_caches(draw: st.DrawFn, one: View) -> View:
    """Only those are asked who are worth it."""
    nodes = tuple(replace(pod, cache_ready=draw(st.sampled_from([True, True, False, None]))) for pod in one.nodes or ())
    one = replace(one, nodes=nodes, caches=Caches(draw(st.sampled_from([None, 1000, ROOM]))))
    asked = {pod.name for pod in nodes if caching.concerns(one, pod)}
    lists = {name: told for name, told in draw(LISTS).items() if name in asked}
    return replace(one, caches=replace(one.caches, lists=lists))


def told(one: View, plan: Plan, old: dict[str, Any] | None = None) -> dict[str, Any]:
    body = body_of(one, old)
    return body | {"status": status(one, plan, body)}


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_nothing_is_done_to_an_image_that_is_not_ours_or_is_being_imported(one: View) -> None:
    seen, plan = decide(one)
    harmless = plan.step is None or isinstance(plan.step, AddFinalizer | LetGo)
    if one.image and isinstance(plan.step, TakeOver):
        assert identity.ownership(one, one.image) is not identity.Ownership.ELSEWHERE
        assert one.spec.adopt
        assert one.finalized
    elif one.image and not harmless:
        assert identity.is_held(one)
    if identity.adopts(one):
        assert not isinstance(plan.step, Discard)
    if content.running(seen) and not harmless:  # only its own end, or the object's, is worth the import's
        assert one.deleted_at is not None or content.overdue(seen)
        assert isinstance(plan.step, DeleteImage if one.deleted_at else Discard)
    if isinstance(plan.step, CreateImage):
        assert one.finalized
    if isinstance(plan.step, ImportFromUrl | CopyToStores) and one.nodes is not None:
        node = plan.step.node
        assert node in one.nodes
        assert node.open
        assert plan.record
        assert told(seen, plan)["status"]["attempt"]["containerID"] == node.container_id
    if not one.looked:
        assert harmless
    if arrival.doubtful(seen) and not one.deleted_at:  # nobody else sees it, and no store gets it
        assert harmless or isinstance(plan.step, Discard)


@settings(max_examples=120, deadline=None)
@given(worlds())
def test_no_data_is_removed_that_may_be_needed(one: View) -> None:
    seen, plan = decide(one)
    if not isinstance(plan.step, DeleteFromStore):
        return
    image, targets = one.image, stores.targets(one)
    assert image is not None
    assert (image.status, image.lock, content.running(seen)) == ("active", "", False)
    assert plan.step.store in one.draining | seen.memory.filled
    assert plan.step.store not in targets
    assert targets
    assert {plan.step.store, *targets} <= {*image.stores} & {*one.service.stores}


@settings(max_examples=120, deadline=None)
@given(worlds())
def test_nothing_becomes_visible_that_is_not_what_was_demanded(one: View) -> None:
    seen, plan = decide(one)
    if isinstance(plan.step, UpdateImage) and digests.demanded(one.spec) and not one.deleted_at:
        assert verification.verdict(seen) is verification.Verdict.EQUAL


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_what_is_said_is_clear(one: View) -> None:
    seen, plan = decide(one)
    body = told(seen, plan)
    said = {kind: find(body["status"]["conditions"], kind) for kind in ("Ready", "Reconciling", "Stalled")}
    also = said["Ready"]["reason"] == "RollingOut"
    assert [c["status"] for c in said.values()].count("True") <= 1 + also
    assert said["Ready"]["status"] == "True" or said["Ready"]["message"]
    wanted = {Phase.READY: "Current", Phase.WORKING: "InProgress", Phase.STALLED: "Failed"}
    if plan.state.phase in wanted and not one.deleted_at:
        assert support_kstatus.compute(body) == wanted[plan.state.phase]


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_after_what_was_said_there_is_quiet(one: View) -> None:
    """The next pass in the same world, remembering only what the status holds, writes nothing."""
    seen, plan = decide(one)
    if plan.step is not None:
        return  # the step changes the world
    first = told(seen, plan)
    again, second_plan = decide(read_again(one, first))
    assert told(again, second_plan, first["status"]) == first
