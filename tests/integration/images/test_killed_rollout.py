"""The operator is killed around each mutating call of a roll-out: who asks for the name finds an image all the time."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from tests.integration.images.killing import NAME, OTHER, Mortal, Scene, certain
from tests.integration.images.lab import Lab
from tests.integration.images.names import Watcher
from tests.support import eventually

from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.glance import Glance
from sandbox_kit.source import Source


@pytest.fixture(scope="module")
def scene(crds_installed: ControlPlane, glance: Glance, source: Source, sandbox_directory: Path) -> Scene:
    return Scene(glance, source, crds_installed, sandbox_directory / "killed-rollout")


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
