"""A proof is repeated when it has failed, when somebody asks for it, and when its figures are old; quietly."""

from __future__ import annotations

import json

from tests.unit.core.config.services import CEPH, store
from tests.unit.core.glancestore.views import CENTRAL, Life

from glance_operator.core.attempts import LONGEST, SHORTEST
from glance_operator.core.plan import Phase

FULL = "StorageFull: There is not enough disk space on the image storage media."


def failed(attempts: int = 1) -> Life:
    life = Life(CENTRAL)
    life.go_on()
    life.end_job(FULL, done=False)
    life.go_on()
    for _ in range(attempts - 1):
        life.pass_time(seconds=LONGEST)
        life.go_on()
        life.end_job(FULL, done=False)
        life.go_on()
    return life


def wait(life: Life) -> float:
    """Seconds until there is another attempt."""
    before, waited = life.attempt(), 0.0
    while life.attempt() == before:
        waited += 1
        life.pass_time(seconds=1)
        life.go_on()
    return waited


def test_pauses_grow_to_ten_minutes_and_nothing_is_written_meanwhile() -> None:
    life = failed()
    writes, pauses = life.writes, []
    for _ in range(8):
        pauses.append(wait(life))
        life.end_job(FULL, done=False)
        life.go_on()
    assert pauses == [SHORTEST, 30, 60, 120, 240, 480, LONGEST, LONGEST]
    assert life.writes == writes
    assert FULL in life.condition("Usable")[2]


def test_other_words_are_news() -> None:
    life = failed()
    life.pass_time(seconds=LONGEST)
    life.go_on()
    life.end_job("StorageWriteDenied: Permission to write image storage media denied.", done=False)
    life.go_on()
    assert "StorageWriteDenied" in life.condition("Usable")[2]


def test_another_attempt_is_made_at_once_when_somebody_asks_for_it() -> None:
    life = failed(4)
    life.retry("now")
    assert life.go_on().state.reason == "Probing"
    assert life.attempt() == "1", "what has failed before is forgotten"
    assert life.status["lastHandledRetry"] == "now"
    life.end_job(FULL, done=False)
    life.go_on()
    assert wait(life) == SHORTEST, "it was handled"


def test_another_spec_and_other_credentials_begin_anew() -> None:
    life = failed(4)
    life.change(store("central", "file", {"pvc": {"claimName": "a"}}, deletionPolicy="Drain"))
    assert life.go_on().state.reason == "Probing"
    assert life.attempt() == "1"
    life.end_job(FULL, done=False)
    life.go_on()
    life.change(store("central", "file", {"pvc": {"claimName": "b"}}))
    assert life.go_on().state.reason == "Probing"
    life.end_job()
    life.go_on()
    assert life.condition("Usable")[:2] == ("True", "Proven")


def figures(available: int, total: int = 1000) -> str:
    return json.dumps({"total": total << 30, "available": available << 30})


def in_service(words: str) -> Life:
    life = Life(CENTRAL)
    life.go_on()
    life.end_job(words)
    life.go_on()
    life.service = {"central": life.status["probe"]["hash"]}
    life.go_on()
    return life


def test_figures_of_a_file_system_are_renewed_and_small_changes_are_no_news() -> None:
    life = in_service(figures(400))
    before, writes = life.status, life.writes
    life.pass_time(hours=5)
    assert life.go_on().state.phase is Phase.READY
    life.pass_time(hours=2)
    assert life.go_on().state.phase is Phase.READY, "while they are renewed"
    life.end_job(figures(380))
    assert life.go_on().state.phase is Phase.READY
    assert life.writes == writes
    life.pass_time(hours=7)
    life.go_on()
    life.end_job(figures(340))
    life.go_on()
    assert life.writes == writes + 1
    assert life.status == {**before, "capacity": {"total": "1000Gi", "available": "340Gi"}}


def test_a_store_that_has_grown_says_so() -> None:
    life = in_service(figures(400))
    life.pass_time(hours=7)
    life.go_on()
    life.end_job(figures(420, 1020))
    life.go_on()
    assert life.status["capacity"] == {"total": "1020Gi", "available": "420Gi"}


def test_a_store_that_has_become_bad_says_so_and_says_when_it_is_good_again() -> None:
    life = in_service(figures(400))
    life.pass_time(hours=7)
    life.go_on()
    life.end_job(FULL, done=False)
    told = life.go_on()
    assert told.state.reason == "ProbeFailed"
    assert life.condition("Usable")[:2] == ("False", "ProbeFailed")
    assert len(life.secrets) == 1, "its service has no other"
    life.pass_time(minutes=1)
    life.go_on()
    life.end_job(figures(900))
    assert life.go_on().state.phase is Phase.READY
    assert life.condition("Usable")[:2] == ("True", "Proven")
    assert life.status["capacity"]["available"] == "900Gi"
    assert len(life.secrets) == 1


def test_asked_for_a_good_store_is_proven_once_more() -> None:
    life = in_service(figures(400))
    life.retry("look")
    assert life.go_on().state.phase is Phase.READY
    assert life.status["lastHandledRetry"] == "look"
    life.end_job(figures(100))
    life.go_on()
    assert life.status["capacity"]["available"] == "100Gi"
    life.go_on()
    assert len(life.jobs) == 1


def test_what_is_no_file_system_has_no_figures_to_renew() -> None:
    life = Life(CEPH)
    life.prove()
    life.pass_time(days=3)
    assert life.go_on().state.phase is Phase.READY
    life.jobs.clear()
    life.go_on()
    assert life.jobs == {}
