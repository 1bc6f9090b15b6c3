"""Operators that die at their N-th mutating call, and the namespaces and the Glance in which they do."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.forks import Fork
from tests.integration.images.conftest import new_namespace
from tests.integration.images.lab import ForkedOperator, Lab, Object, Operator
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.glance import Glance
from sandbox_kit.source import Source

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


def certain(calls: list[str]) -> list[str]:
    """Without the status writes that only a slow machine sees, because they tell what takes long."""
    return [call for call in calls[:-1] if call != "status"] + calls[-1:]


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
