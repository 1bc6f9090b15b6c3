"""Images on a service of ours: which pod has an import, what becomes of it with the pod, and whether there is room."""

from __future__ import annotations

from typing import Any

from tests.unit.core.builders import EXPECTED_ID, URL, glance_image, later, marker, memory, queued, spec, task, view
from tests.unit.core.scenarios.row import Row

from glance_operator.core.image.content import CreateImage, Discard, ImportFromUrl
from glance_operator.core.image.observed import Flight, Found, Memory, Node, Room, StoreMemory, View
from glance_operator.core.image.stores import LOCK_FOR, CopyToStores

GIB = 1 << 30
ON_OURS: dict[str, Any] = {"cloudCredentialsRef": None, "glanceAPIRef": {"name": "glance"}}
FIRST = Node("glance-0", "http://glance-0.example:9292", "containerd://a0", ready=True)
SECOND = Node("glance-1", "http://glance-1.example:9292", "containerd://a1", ready=True)
AGAIN = Node("glance-0", FIRST.url, "containerd://b0", ready=True)
STARTING = Node("glance-0", FIRST.url, "containerd://b0")
LEAVING = Node("glance-0", FIRST.url, "containerd://a0", ready=True, leaving=True)
SHARED, EACH = Room(GIB, "pvc.size", shared=True), Room(GIB, "emptyDir.sizeLimit")
CONVERTING = Room(GIB, "emptyDir.sizeLimit", converts_to="raw")
RAW = {"diskFormat": "raw"}
TWO = {"names": ["central", "dcn0"]}


def ours(**changes: Any) -> View:
    """An Image on a service of two pods; `spec` adds to what it says."""
    wish = ON_OURS | changes.pop("spec", {})
    return view(**({"spec": spec(**wish), "nodes": (FIRST, SECOND)} | changes))


def sent(node: Node = FIRST, **more: Any) -> Memory:
    """An import was given to that pod."""
    return Memory(id=EXPECTED_ID, node=node.name, container_id=node.container_id, **more)


def copying(**changes: Any) -> View:
    """A copy to dcn0 that was given to glance-0, whose container is another now."""
    served = memory(node=FIRST.name, container_id=FIRST.container_id)
    image = glance_image(lock="t1", importing=("dcn0",))
    plain = {"spec": {"stores": TWO}, "image": image, "memory": served, "nodes": (AGAIN, SECOND)}
    return ours(**(plain | changes))


def asked(node: Node) -> ImportFromUrl:
    return ImportFromUrl(EXPECTED_ID, URL, ("central",), node)


SENT = [
    Row(
        "the pod with the fewest imports gets the next",
        ours(image=queued(), flights=(Flight("glance-0"),)),
        "Downloading",
        "InProgress",
        asked(SECOND),
    ),
    Row(
        "one that is ending gets none",
        ours(image=queued(), nodes=(LEAVING, SECOND), flights=(Flight("glance-1"),)),
        "Downloading",
        "InProgress",
        asked(SECOND),
    ),
    Row("no pod can take an import", ours(image=queued(), nodes=(STARTING,)), "NoPodServes", "InProgress"),
    Row(
        "a copy goes to a pod, too",
        ours(spec={"stores": TWO}, image=glance_image(), memory=memory(), flights=(Flight("glance-1"),)),
        "Copying",
        "InProgress",
        CopyToStores(EXPECTED_ID, ("dcn0",), FIRST),
    ),
    Row(
        "no pod can copy, one store is enough",
        ours(spec={"stores": TWO}, image=glance_image(), memory=memory(), nodes=()),
        "PartialFailure",
        "Current",
    ),
    Row(
        "no pod can copy, both stores are demanded",
        ours(spec={"stores": TWO | {"allowFailure": False}}, image=glance_image(), memory=memory(), nodes=()),
        "StoreImportDelayed",
        "InProgress",
    ),
]

LOST = [
    Row(
        "the container that has the import runs",
        ours(image=queued(status="importing", lock="t1"), memory=sent()),
        "Downloading",
        "InProgress",
    ),
    Row(
        "the pod is ending, the import in it goes on",
        ours(image=queued(status="importing", lock="t1"), memory=sent(), nodes=(LEAVING, SECOND)),
        "Downloading",
        "InProgress",
    ),
    Row(
        "who has the lock is not known",
        ours(image=queued(status="importing", lock="t1"), nodes=(AGAIN, SECOND)),
        "Downloading",
        "InProgress",
    ),
    Row(
        "the container is gone, its pod is not back yet",
        ours(image=queued(status="importing", lock="t1"), memory=sent(), nodes=(STARTING, SECOND), gone_for=29.0),
        "ImportLost",
        "InProgress",
    ),
    Row(
        "the pod is back: it removes what is left there",
        ours(image=queued(status="importing", lock="t1"), memory=sent(), nodes=(AGAIN, SECOND)),
        "ImportLost",
        "InProgress",
        Discard(EXPECTED_ID, AGAIN.url),
    ),
    Row(
        "the pod does not come back: another removes the image",
        ours(image=queued(lock="t1"), memory=sent(), nodes=(SECOND,), gone_for=30.0),
        "ImportLost",
        "InProgress",
        Discard(EXPECTED_ID),
    ),
    Row(
        "its task was over before the pod was",
        ours(image=queued(lock="t1"), memory=sent(), nodes=(AGAIN,), task=task("failure")),
        "Recreating",
        "InProgress",
        Discard(EXPECTED_ID, AGAIN.url),
    ),
    Row(
        "the next attempt is made at once",
        ours(image=None, memory=Memory(incarnation=2, lost=1)),
        "Creating",
        "InProgress",
        CreateImage,
    ),
    Row(
        "pods that end with each attempt are an attempt's doing",
        ours(image=queued(), memory=Memory(lost=4, attempts=1, next_attempt=later(3))),
        "ImportFailed",
        "InProgress",
    ),
    Row("a copy was cut off, one store is enough", copying(), "PartialFailure", "Current"),
    Row(
        "a copy was cut off, both stores are demanded",
        copying(spec={"stores": TWO | {"allowFailure": False}}),
        "StoreImportDelayed",
        "InProgress",
    ),
    Row(
        "the lock of a copy that was cut off counts no longer",
        copying(
            memory=memory(
                task_id="t1",
                node=FIRST.name,
                container_id=FIRST.container_id,
                stores={"dcn0": StoreMemory(next_attempt=later(-LOCK_FOR))},
            ),
            flights=(Flight("glance-1"),),
        ),
        "Copying",
        "InProgress",
        CopyToStores(EXPECTED_ID, ("dcn0",), AGAIN),
    ),
]

ROOM = [
    Row(
        "more than the staging space has",
        ours(room=SHARED, found=Found(GIB + 1)),
        "StagingFull",
        "Failed",
    ),
    Row(
        "too much only after its conversion",
        ours(room=CONVERTING, found=Found(GIB // 2, GIB)),
        "StagingFull",
        "Failed",
    ),
    Row(
        "what needs no conversion is compared as it is",
        ours(
            spec=RAW,
            image=queued(properties=marker(spec(**RAW))),
            nodes=(FIRST,),
            room=CONVERTING,
            found=Found(GIB, GIB),
        ),
        "Downloading",
        "InProgress",
        asked(FIRST),
    ),
    Row(
        "a size that nobody knows stops nothing",
        ours(room=SHARED, found=Found()),
        "Creating",
        "InProgress",
        CreateImage,
    ),
    Row(
        "others fill the space that all share",
        ours(room=SHARED, found=Found(GIB), flights=(Flight("glance-1", 1),)),
        "StagingFull",
        "InProgress",
    ),
    Row(
        "others fill the space of every pod",
        ours(image=queued(), room=EACH, found=Found(GIB), flights=(Flight("glance-0", 1), Flight("glance-1", 1))),
        "StagingFull",
        "InProgress",
    ),
    Row(
        "the pod that has room gets it, although it has more imports",
        ours(image=queued(), room=EACH, found=Found(GIB), flights=(Flight("glance-0", 1), Flight("glance-1"))),
        "Downloading",
        "InProgress",
        asked(SECOND),
    ),
    Row(
        "a copy needs the space, too",
        ours(spec={"stores": TWO}, image=glance_image(size=GIB + 1), memory=memory(), room=EACH),
        "PartialFailure",
        "Current",
    ),
    Row(
        "a copy waits for the others",
        ours(
            spec={"stores": TWO}, image=glance_image(), memory=memory(), room=SHARED, flights=(Flight("glance-0", GIB),)
        ),
        "PartialFailure",
        "Current",
    ),
]

PODS = [*SENT, *LOST, *ROOM]
