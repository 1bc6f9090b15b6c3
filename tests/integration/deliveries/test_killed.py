"""The operator is killed around each of its calls while a Job brings an image: the next one goes on from there."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.integration.deliveries.conftest import SETTINGS, new_lab
from tests.integration.deliveries.test_transfers import left
from tests.integration.images.killing import DATA, NAME, SPEC, Mortal, Scene, certain, kind_of, served_once
from tests.integration.images.lab import ForkedOperator, Lab, Object
from tests.integration.transfer.kubelet import Kubelet
from tests.support import eventually

from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.glance import Glance
from sandbox_kit.source import Source

pytestmark = [pytest.mark.usefixtures("kubelet"), pytest.mark.timeout(300)]
TRANSFER_CALLS = {"secret", "job", "remove secret", "remove job"}


class Carrier(Mortal):
    """An operator that may start Jobs, and dies at one of its calls."""

    def __init__(self, scene: Scene, lab: Lab, at: int = 0, when: str = "before") -> None:
        super().__init__(scene, lab, at, when, **SETTINGS)

    def calls(self) -> list[str]:
        lines = self._calls.read_text().splitlines() if self._calls.exists() else []
        return [_kind_of(line) for line in lines]


def _kind_of(call: str) -> str:
    """Those that concern Jobs have words of their own."""
    method, where, *_ = call.split()
    for plural in ("secrets", "jobs"):
        if where.startswith("kubernetes") and f"/{plural}/" in where:
            return f"{'remove ' if method == 'DELETE' else ''}{plural.removesuffix('s')}"
    return kind_of(call)


class Carrying(Scene):
    """Images that only a Job can prove."""

    def lab(self) -> Lab:
        return new_lab(self.kube, self.glance, self.source, f"killed-{uuid.uuid4().hex[:8]}")

    def image(self, lab: Lab) -> Object:
        checksum = {"sha256": hashlib.sha256(DATA).hexdigest()}
        return lab.image(NAME, source={"http": {"url": self.source.serve(NAME, DATA)}, "checksum": checksum}, **SPEC)

    def operator(self, *labs: Lab, **settings: object) -> ForkedOperator:
        return super().operator(*labs, **SETTINGS, **settings)

    def kill_at_each(self, labs: list[Lab], when: str, begin: Callable[[Lab], None]) -> None:
        def kill(at: int, lab: Lab) -> None:
            with Carrier(self, lab, at, when) as operator:
                begin(lab)
                operator.dies()
                assert len(operator.calls()) == at

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(kill, range(1, len(labs) + 1), labs))


@pytest.fixture(scope="module")
def scene(
    crds_installed: ControlPlane, glance: Glance, source: Source, sandbox_directory: Path, kubelet: Kubelet
) -> Carrying:
    return Carrying(glance, source, crds_installed, sandbox_directory / "killed-carriers")


@pytest.fixture(scope="module")
def calls(scene: Carrying) -> list[str]:
    """The mutating calls of an import that nobody disturbs."""
    lab = scene.lab()
    with Carrier(scene, lab) as operator:
        scene.serve([lab])
        eventually(lambda: not left(lab, NAME))
        found = operator.calls()
        scene.remove([lab])
    return certain(found)


def test_the_calls_to_be_killed_at_are_of_every_kind(calls: list[str]) -> None:
    assert set(calls) >= TRANSFER_CALLS | {"create", "import", "metadata"}


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_each_call_of_a_transfer(scene: Carrying, calls: list[str], when: str) -> None:
    others, labs = scene.everything(), scene.labs(len(calls))
    scene.kill_at_each(labs, when, lambda lab: lab.apply(scene.image(lab)))
    with scene.operator(*labs):
        made = {served_once(lab) for lab in labs}
        assert scene.everything() - others == made
        for lab in labs:
            eventually(lambda lab=lab: not left(lab, NAME))  # type: ignore[misc]
        scene.remove(labs)
    assert not scene.everything() - others
