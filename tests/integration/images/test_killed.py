"""The operator is killed around each of its mutating calls: the next one finds out what was done, and ends the work.

Each kill has a namespace of its own. The operators that die run four at a time; then one operator takes over all that
they left, as it would after the loss of a node.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Self

import pytest
from tests.forks import Fork
from tests.integration.images.conftest import new_namespace
from tests.integration.images.lab import ForkedOperator, Lab, Object, Operator
from tests.integration.images.names import Watcher
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.glance import Glance
from sandbox_kit.source import Fault, Source

KILLED = 128 + 9
NAME = "image"
DATA, OTHER = images.raw(1 << 16), images.raw(1 << 17)
MEMBER = "a" * 32
SPEC = {
    "stores": {"all": {}, "allowFailure": False},
    "visibility": "shared",
    "protected": True,
    "members": [{"projectID": MEMBER}],
    "tags": ["golden"],
    "properties": {"os_distro": "ubuntu"},
    "deletionPolicy": "DeleteProtected",
}
IMPORT_CALLS = {"finalizer", "status", "create", "import", "metadata", "member"}
DELETION_CALLS = {"finalizer", "metadata", "delete"}
TERMS = {"lease_duration": 4, "renew_deadline": 3, "renew_interval": 1, "standby_interval": 0.2}


class Mortal:
    """An operator for one namespace that dies ``when`` (before or after) the ``at``-th mutating call."""

    def __init__(self, scene: Scene, lab: Lab, at: int = 0, when: str = "before", **settings: object) -> None:
        here = scene.directory / f"{lab.namespace}-{when}-{at}"
        self._operator = Operator(here, lab.kube.kubeconfig, watch_namespaces=lab.namespace, **settings)
        self._calls = here / "calls"
        self._fate = {"CALLS_FILE": str(self._calls), "KILL_AT": str(at), "KILL_WHEN": when}

    def __enter__(self) -> Self:
        self._process = Fork("crash_operator", {**self._operator.environment(), **self._fate}, self._operator.log)
        eventually(self._operator.ready, 60)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()

    def calls(self) -> list[str]:
        """What kinds of mutating calls it made, in order."""
        lines = self._calls.read_text().splitlines() if self._calls.exists() else []
        return [kind_of(line) for line in lines]

    def dies(self) -> None:
        """Wait for its end by SIGKILL."""
        eventually(lambda: not self._process.alive, 60)
        assert self._process.returncode == KILLED, self._process.tail()


def kind_of(call: str) -> str:
    """One word for a line of ``crash_operator``."""
    method, where, *rest = call.split()
    if where.startswith("kubernetes"):
        return "status" if where.endswith("/status") else rest[0].rpartition("/")[2].removesuffix("s")
    ends = {"images": "create", "import": "import", "members": "member"}
    return ends.get(where.rpartition("/")[2], {"PATCH": "metadata", "DELETE": "delete"}.get(method, call))


@dataclass(frozen=True)
class Scene:
    """Namespaces, operators and all of Glance, for the tests below."""

    glance: Glance
    source: Source
    kube: ControlPlane
    directory: Path

    def lab(self) -> Lab:
        """A new namespace with credentials."""
        lab = Lab(self.kube, self.glance, self.source, new_namespace(self.kube))
        lab.apply(lab.credentials())
        return lab

    def labs(self, count: int) -> list[Lab]:
        return [self.lab() for _ in range(count)]

    def image(self, lab: Lab) -> Object:
        return lab.image(NAME, self.source.serve(NAME, DATA), name=lab.namespace, **SPEC)

    def roll_out(self, lab: Lab) -> None:
        """Declare other content."""
        lab.patch(NAME, source={"http": {"url": self.source.serve(f"{NAME}-2", OTHER)}})

    def operator(self, *labs: Lab, **settings: object) -> ForkedOperator:
        """One that lives, and serves all these namespaces."""
        namespaces = ",".join(lab.namespace for lab in labs)
        directory = self.directory / f"heir-{labs[0].namespace}"
        return ForkedOperator(directory, self.kube.kubeconfig, watch_namespaces=namespaces, **settings)

    def kill_at_each(self, labs: list[Lab], when: str, begin: Callable[[Lab], None]) -> None:
        """In the n-th namespace ``begin``, and have the operator there die at its n-th call."""

        def kill(at: int, lab: Lab) -> None:
            with Mortal(self, lab, at, when) as operator:
                begin(lab)
                operator.dies()
                assert len(operator.calls()) == at

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(kill, range(1, len(labs) + 1), labs))

    def serve(self, labs: list[Lab]) -> None:
        """With an operator there: declare the image in each namespace, and wait until it is served."""
        for lab in labs:
            lab.apply(self.image(lab))
        for lab in labs:
            lab.ready(NAME, timeout=55)

    def remove(self, labs: list[Lab]) -> None:
        """With an operator there: delete the objects, and wait until they are gone."""
        for lab in labs:
            lab.delete(NAME)
        for lab in labs:
            lab.gone(NAME, timeout=55)

    def everything(self) -> set[str]:
        """The ids of all images in Glance, whoever made them, and of all files in its stores."""
        listed = {str(row["id"]) for row in self.glance.rows("SELECT id FROM images WHERE deleted = 0")}
        return listed.union(*(os.listdir(self.glance.store_directory(store)) for store in self.glance.config.stores))


@pytest.fixture(scope="module")
def scene(crds_installed: ControlPlane, glance: Glance, source: Source, sandbox_directory: Path) -> Scene:
    return Scene(glance, source, crds_installed, sandbox_directory / "killed")


@pytest.fixture(scope="module")
def calls(scene: Scene) -> tuple[list[str], list[str]]:
    """The mutating calls of an import and of a deletion that nobody disturbs."""
    lab = scene.lab()
    with Mortal(scene, lab) as operator:
        scene.serve([lab])
        imported = operator.calls()
        scene.remove([lab])
        return certain(imported), certain(operator.calls()[len(imported) :])


def certain(calls: list[str]) -> list[str]:
    """Without the status writes that only a slow machine sees, because they tell what takes long."""
    return [call for call in calls[:-1] if call != "status"] + calls[-1:]


def test_the_calls_to_be_killed_at_are_of_every_kind(calls: tuple[list[str], list[str]]) -> None:
    imported, deleted = calls
    assert set(imported) == IMPORT_CALLS
    assert set(deleted) == DELETION_CALLS


def served_once(lab: Lab) -> str:
    """The id of the one image there is for the object, which is all that it should be."""
    status = lab.ready(NAME, timeout=55)["status"]
    (image,) = lab.owned(NAME)
    assert image["id"] == status["id"]
    shown = {key: image[key] for key in ("status", "visibility", "protected", "tags", "os_distro")}
    assert shown == {
        "status": "active",
        "visibility": "shared",
        "protected": True,
        "tags": ["golden"],
        "os_distro": "ubuntu",
    }
    assert [m["member_id"] for m in lab.ask("GET", f"/images/{image['id']}/members").json()["members"]] == [MEMBER]
    for store in lab.glance.config.stores:
        assert (lab.glance.store_directory(store) / image["id"]).read_bytes() == DATA
    return str(image["id"])


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_each_call_of_an_import(scene: Scene, calls: tuple[list[str], list[str]], when: str) -> None:
    others, labs = scene.everything(), scene.labs(len(calls[0]))
    scene.kill_at_each(labs, when, lambda lab: lab.apply(scene.image(lab)))
    with scene.operator(*labs):
        made = {served_once(lab) for lab in labs}
        assert scene.everything() - others == made
        assert len(made) == len(labs)
        scene.remove(labs)
    assert not scene.everything() - others


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_each_call_of_a_deletion(scene: Scene, calls: tuple[list[str], list[str]], when: str) -> None:
    others, labs = scene.everything(), scene.labs(len(calls[1]))
    with scene.operator(*labs):
        scene.serve(labs)
    scene.kill_at_each(labs, when, lambda lab: lab.delete(NAME))
    with scene.operator(*labs):
        for lab in labs:
            lab.gone(NAME, timeout=55)
    assert not scene.everything() - others


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_each_call_of_a_rollout(scene: Scene, when: str) -> None:
    """Whoever asks for the name finds an image at every moment, and one of them soon after the next operator begins."""
    calls = rollout_calls(scene)
    others, labs = scene.everything(), scene.labs(len(calls))
    with scene.operator(*labs):
        scene.serve(labs)
    with ExitStack() as stack:
        watchers = [stack.enter_context(Watcher(partial(named, lab))) for lab in labs]
        scene.kill_at_each(labs, when, scene.roll_out)
        stack.enter_context(scene.operator(*labs))
        eventually(lambda: all(named(lab) == 1 for lab in labs), 10)
        for lab, watcher in zip(labs, watchers, strict=True):
            eventually(lambda lab=lab: lab.get(NAME)["status"].get("previous"), 55)  # type: ignore[misc]
            assert watcher.counts() <= {1, 2}
        made = {image["id"] for lab in labs for image in lab.owned(NAME)}
        assert len(made) == 2 * len(labs)
        for lab in labs:
            new = lab.until(NAME, "UpToDate", "True", "UpToDate", timeout=55)["status"]["id"]
            assert (lab.glance.store_directory("dcn1") / new).read_bytes() == OTHER
        assert scene.everything() - others == made
        scene.remove(labs)
    assert not scene.everything() - others


def rollout_calls(scene: Scene) -> list[str]:
    """The mutating calls of a roll-out that nobody disturbs."""
    lab = scene.lab()
    with scene.operator(lab):
        scene.serve([lab])
    with Mortal(scene, lab) as operator:
        scene.roll_out(lab)
        eventually(lambda: lab.get(NAME)["status"].get("previous"), 55)
        lab.until(NAME, "UpToDate", "True", "UpToDate", timeout=55)
        calls = operator.calls()
        scene.remove([lab])
    assert {"create", "import", "metadata", "member", "status"} <= set(calls)
    return certain(calls)


def named(lab: Lab) -> int:
    """How many images one finds who looks for the name."""
    return len(lab.ask("GET", f"/images?name={lab.namespace}&visibility=all").json()["images"])


def test_killed_while_glance_downloads(scene: Scene, calls: tuple[list[str], list[str]]) -> None:
    """The import goes on without the operator; the next one waits for it and asks for no second one."""
    lab, at = scene.lab(), calls[0].index("import") + 1
    url = scene.source.serve(lab.namespace, DATA, Fault(stall_after=1000))
    with Mortal(scene, lab, at, "after") as operator:
        lab.apply(lab.image(NAME, url, **SPEC))
        operator.dies()
    eventually(lambda: scene.source.stalled(lab.namespace))
    with scene.operator(lab):
        lab.until(NAME, "Reconciling", "True", "Downloading")
        scene.source.release(lab.namespace)
        served_once(lab)
        scene.remove([lab])
    assert len(scene.source.requests_of(lab.namespace)) == 1


def test_told_to_stop_in_the_middle(scene: Scene) -> None:
    """What is begun with one image ends before the process does; the rest is left to the next."""
    others, labs = scene.everything(), scene.labs(4)
    with scene.operator(*labs) as operator:
        for lab in labs:
            lab.apply(scene.image(lab))
        eventually(lambda: scene.everything() - others)
        operator.stop()
        assert operator.process.returncode == 0
    with scene.operator(*labs):
        made = {served_once(lab) for lab in labs}
        assert scene.everything() - others == made
        scene.remove(labs)
    assert not scene.everything() - others


def test_killed_as_the_leader(scene: Scene, calls: tuple[list[str], list[str]]) -> None:
    """Whoever follows a dead leader acts when its Lease has expired, and not before."""
    lab, at = scene.lab(), calls[0].index("import") + 1
    election = {"leader_elect": True, "lease_namespace": lab.namespace, **TERMS}
    with Mortal(scene, lab, at, "after", **election) as operator:
        lab.apply(scene.image(lab))
        operator.dies()
    dead = lease_of(lab)
    with scene.operator(lab, **election):
        served_once(lab)
        scene.remove([lab])
        heir = lease_of(lab)
    assert heir["holderIdentity"] != dead["holderIdentity"]
    waited = datetime.fromisoformat(heir["acquireTime"]) - datetime.fromisoformat(dead["renewTime"])
    assert waited.total_seconds() >= TERMS["lease_duration"]


def lease_of(lab: Lab) -> Object:
    spec: Object = json.loads(lab.kubectl("get", "lease", "glance-operator", "-o", "json"))["spec"]
    return spec
