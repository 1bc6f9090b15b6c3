"""What was proven is what is configured: a change reaches the service when it has been proven, and not before."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.core.config.services import CEPH, PASSWORD, SWIFT, store
from tests.unit.core.glancestore.views import CENTRAL, Life, content

from glance_operator.core.config import Store
from glance_operator.core.glancestore.observed import Residents
from glance_operator.core.glancestore.rules import GOES_ON
from glance_operator.core.manifests import proofs
from glance_operator.core.plan import Phase

RIGHT = {"keyring": CEPH.secret["keyring"].strip()}
WRONG = {("Secret", "ceph"): {"keyring": "wrong"}}
REFUSED = "ObjectNotFound: [errno 13] RADOS permission denied"


def configured(life: Life) -> Store:
    """What the service is told to use."""
    digest = life.status["probe"]["hash"]
    proven = proofs.proven(content(life.secrets[proofs.proof_name(life.store.id, digest)]), digest)
    assert proven
    return proven


def rotated(**found: Any) -> Life:
    """A Ceph store in service whose credentials have changed since."""
    life = Life(CEPH)
    assert life.prove().state.phase is Phase.READY
    life.found.update(found.get("found", WRONG))
    life.go_on()
    return life


def test_what_is_proven_is_what_is_configured() -> None:
    life = Life(CEPH)
    life.prove()
    assert configured(life) == Store("ceph", CEPH.spec, RIGHT)
    assert len(life.secrets) == 1


def test_wrong_credentials_reach_nobody_and_are_told() -> None:
    life = rotated()
    before = configured(life)
    life.end_job(REFUSED, done=False)
    life.go_on()
    assert configured(life) == before
    state, reason, words = life.condition("Usable")
    assert (state, reason) == ("True", "LastGood")
    assert REFUSED in words
    assert words.endswith(GOES_ON)
    state, reason, words = life.condition("Ready")
    assert (state, reason) == ("False", "ProbeFailed")
    assert REFUSED in words


def test_while_others_are_being_proven_the_store_goes_on() -> None:
    life = rotated()
    assert life.condition("Usable")[:2] == ("True", "Proven")
    assert configured(life).secret == RIGHT


def test_proven_ones_take_their_place_and_of_the_old_ones_nothing_remains() -> None:
    life = rotated(found={("Secret", "ceph"): {"keyring": "new"}})
    life.end_job(REFUSED, done=False)
    life.go_on()
    life.found[("Secret", "ceph")] = {"keyring": "right"}
    life.go_on()
    assert len(life.secrets) == 3, "the good ones, the wrong ones and those that are being proven"
    life.end_job()
    told = life.go_on()
    assert configured(life).secret == {"keyring": "right"}
    assert (len(life.secrets), len(life.jobs)) == (1, 1)
    assert told.state.reason == "RollingOut", "until the pods have them"
    life.service = {"ceph": life.status["probe"]["hash"]}
    assert life.go_on().state.phase is Phase.READY


def test_taken_back_a_wrong_change_leaves_nothing() -> None:
    life = rotated()
    life.end_job(REFUSED, done=False)
    life.go_on()
    life.found[("Secret", "ceph")] = dict(CEPH.secret)
    assert life.go_on().state.phase is Phase.READY
    assert life.condition("Usable")[:2] == ("True", "Proven")
    assert (len(life.secrets), len(life.jobs)) == (1, 1)


def test_a_store_that_is_in_no_service_yet_is_not_usable_by_what_it_was() -> None:
    life = Life(CEPH)
    life.go_on()
    life.end_job()
    life.go_on()
    life.found.update(WRONG)
    life.go_on()
    assert life.condition("Usable")[:2] == ("False", "Probing")
    life.end_job(REFUSED, done=False)
    life.go_on()
    assert life.condition("Usable")[:2] == ("False", "ProbeFailed")
    assert GOES_ON not in life.condition("Usable")[2]


def test_without_its_secret_it_goes_on_and_that_is_said() -> None:
    life = Life(CEPH)
    life.prove()
    life.found[("Secret", "ceph")] = None  # type: ignore[assignment]
    told = life.go_on().state
    assert told.reason == "InputMissing"
    assert told.message.endswith(GOES_ON)
    assert life.condition("Usable")[0] == "True"
    assert configured(life).secret == RIGHT


def test_another_claim_is_proven_before_it_is_mounted() -> None:
    """Nothing of the files of the driver tells which claim it is."""
    life = Life(CENTRAL)
    life.prove()
    life.change(store("central", "file", {"pvc": {"claimName": "b"}}))
    assert life.go_on().state.reason == "Probing"
    assert configured(life).spec == CENTRAL.spec
    life.end_job()
    life.go_on()
    assert configured(life).spec.file == life.store.spec.file


@pytest.mark.parametrize("change", [{"deletionPolicy": "Drain"}, {"suspend": False}])
def test_what_no_driver_hears_of_is_not_proven(change: dict[str, Any]) -> None:
    life = Life(CENTRAL)
    life.prove()
    life.change(store("central", "file", {"pvc": {"claimName": "a"}}, **change))
    assert life.go_on().state.phase is Phase.READY
    assert len(life.jobs) == 1


def test_a_swift_store_without_credentials_keeps_those_that_were_proven() -> None:
    life = Life(SWIFT)
    life.prove()
    assert configured(life).secret == PASSWORD
    assert configured(life).spec.swift is not None
    assert configured(life).spec.swift.auth_url == "https://k"  # type: ignore[union-attr]
    life.found[("Secret", "k")] = {**PASSWORD, "password": "another"}
    assert life.go_on().state.reason == "Probing"
    assert configured(life).secret == PASSWORD


def test_a_secret_that_somebody_deleted_is_made_again() -> None:
    life = Life(CENTRAL)
    life.prove()
    before = dict(life.secrets)
    life.secrets.clear()
    assert life.go_on().state.phase is Phase.READY
    assert life.secrets == before


def test_it_keeps_what_was_proven_while_it_is_being_deleted() -> None:
    life = Life(CENTRAL)
    life.prove()
    told = life.go_on(deleted=True, images=Residents(1, ("a",)))
    assert told.state.reason == "InUse"
    assert len(life.secrets) == 1


def test_what_an_earlier_release_has_proven_is_proven_again() -> None:
    """Its Secret did not tell what it was made of."""
    life = Life(CENTRAL)
    life.prove()
    life.secrets.clear()
    life.jobs.clear()
    life.words.clear()
    life.body["status"]["probe"]["hash"] = "0123456789"
    life.service = {"central": "0123456789"}
    assert life.go_on().state.reason == "Probing"
    assert life.condition("Usable")[0] == "True"
    life.end_job()
    life.go_on()
    assert configured(life).spec == CENTRAL.spec
