"""The operator is killed around each of its mutating calls: the next one finds out what was done, and ends the work.

Each kill has a namespace of its own. The operators that die run four at a time; then one operator takes over all that
they left, as it would after the loss of a node.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from tests.integration.images.killing import DATA, NAME, SPEC, Mortal, Scene, certain, served_once
from tests.integration.images.lab import Lab, Object
from tests.support import eventually

from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.glance import Glance
from sandbox_kit.source import Fault, Source

IMPORT_CALLS = {"finalizer", "status", "create", "import", "metadata", "member"}
DELETION_CALLS = {"finalizer", "metadata", "delete"}
TERMS = {"lease_duration": 4, "renew_deadline": 3, "renew_interval": 1, "standby_interval": 0.2}


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


def test_the_calls_to_be_killed_at_are_of_every_kind(calls: tuple[list[str], list[str]]) -> None:
    imported, deleted = calls
    assert set(imported) == IMPORT_CALLS
    assert set(deleted) == DELETION_CALLS


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
