"""What GlanceStores say of the stores of an image: which one is full, and which fails its proof."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.core.answers import QCOW2, answer
from tests.unit.core.builders import body_of, glance_image, memory, queued, task, view
from tests.unit.core.scenarios.pods import ours

from glance_operator.core.conditions import find
from glance_operator.core.image import decide
from glance_operator.core.image.backends import Backend, backend
from glance_operator.core.image.memory import judged
from glance_operator.core.image.status import status


class TestStores:
    EDGE = Backend("edge-nfs", total=5 << 30, available=3 << 20)
    ONE = ours(
        spec={"stores": {"names": ["central", "dcn0"], "allowFailure": False}},
        image=glance_image(size=10 << 20),
        task=task("failure"),
        memory=memory(was_ready=False),
    )

    def words(self, backends: dict[str, Backend]) -> str:
        """What Ready says of a store that could not be filled."""
        body = body_of(self.ONE)
        said = status(*decide(replace(self.ONE, backends=backends)), body)
        (store,) = (s for s in said["stores"] if s["name"] == "dcn0")
        ready = find(said["conditions"], "Ready")
        assert ready["reason"] == "StoreImportFailed"
        assert store["message"] in ready["message"]
        return str(ready["message"])

    def test_one_that_is_full(self) -> None:
        assert "store dcn0 is full: at its last proof it had 3 MiB of 5 GiB left, the image has 10 MiB" in self.words(
            {"dcn0": self.EDGE}
        )

    def test_one_that_its_proof_speaks_against(self) -> None:
        known = Backend("edge-nfs", "Usable=False, ProbeFailed: No space left on device")
        assert f"store dcn0: GlanceStore edge-nfs says {known.trouble}" in self.words({"dcn0": known})

    @pytest.mark.parametrize("backends", [{}, {"dcn0": Backend("x")}, {"central": EDGE}])
    def test_one_of_which_nothing_is_known(self, backends: dict[str, Backend]) -> None:
        assert "Glance tells no cause: check that the store" in self.words(backends)

    def test_a_source_that_is_fine_leads_to_the_stores(self) -> None:
        told = answer(head=QCOW2, size=10 << 20)
        one = view(image=queued(), task=task("failure"), answer=told, backends={"central": self.EDGE})
        assert "store central is full" in judged(one).memory.cause

    def test_it_is_read_from_the_object(self) -> None:
        usable = {"type": "Usable", "status": "False", "reason": "ProbeFailed", "message": "No space left"}
        body = {
            "metadata": {"name": "edge-nfs"},
            "spec": {"storeID": "edge"},
            "status": {"conditions": [usable], "capacity": {"total": "5Gi", "available": "3Mi"}},
        }
        assert backend(body) == (
            "edge",
            Backend("edge-nfs", "Usable=False, ProbeFailed: No space left", 5 << 30, 3 << 20),
        )
        assert backend({"metadata": {"name": "new"}, "spec": {}}) == ("new", Backend("new"))
        usable |= {"status": "True", "reason": "LastGood"}
        assert backend(body)[1].trouble == "Usable=True, LastGood: No space left"
        usable |= {"reason": "Proven"}
        assert backend(body)[1].trouble == ""
