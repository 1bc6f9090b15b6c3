"""Content that is refused, and an operator that is killed around each of its calls meanwhile: the next one ends the
work, and nothing of the refused image stays."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.integration.images.killing import DATA, NAME, Mortal, Scene, certain
from tests.integration.images.lab import Lab

from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.glance import Glance
from sandbox_kit.source import Fault, Source

SETTINGS: dict[str, Any] = {"retry_base": "500ms", "source_networks": "127.0.0.0/8"}


@pytest.fixture(scope="module")
def scene(
    crds_installed: ControlPlane, glance: Glance, source: Source, tmp_path_factory: pytest.TempPathFactory
) -> Scene:
    return Scene(glance, source, crds_installed, tmp_path_factory.mktemp("refused"))


def declare(scene: Scene, lab: Lab) -> None:
    """An image whose first download breaks off unseen; every later one is complete."""
    url = scene.source.serve(lab.namespace, DATA, Fault(length=False, cut_after=1000, times=1))
    lab.apply(lab.image(NAME, url, visibility="public"))


def served(lab: Lab) -> str:
    """The id of the one image there is, which is the second that was made."""
    status = lab.ready(NAME, timeout=60)["status"]
    (image,) = lab.owned(NAME)
    assert (image["id"], image["visibility"], status["incarnation"]) == (status["id"], "public", 2)
    assert "count" not in status.get("attempt", {})
    assert (lab.glance.store_directory("central") / image["id"]).read_bytes() == DATA
    return str(image["id"])


@pytest.fixture(scope="module")
def calls(scene: Scene) -> list[str]:
    """Those of an operator that nobody disturbs."""
    lab = scene.lab()
    with Mortal(scene, lab, **SETTINGS) as operator:
        declare(scene, lab)
        served(lab)
        return certain(operator.calls())


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_each_call(scene: Scene, calls: list[str], when: str) -> None:
    assert calls.count("create") == 2
    assert "delete" in calls
    others, labs = scene.everything(), scene.labs(len(calls))

    def kill(at: int, lab: Lab) -> None:
        with Mortal(scene, lab, at, when, **SETTINGS) as operator:
            declare(scene, lab)
            operator.dies()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(kill, range(1, len(labs) + 1), labs))
    with scene.operator(*labs, **SETTINGS):
        made = {served(lab) for lab in labs}
    assert scene.everything() - others == made
