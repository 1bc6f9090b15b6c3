"""Answers that a Glance with file stores does not give by itself, injected by a front end before the real one."""

from collections.abc import Iterator

import pytest
from tests.integration.images.lab import Lab, condition
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.front import Front, Rule

pytestmark = pytest.mark.usefixtures("operator")
DATA = images.raw(1 << 16)


@pytest.fixture
def front(lab: Lab, name: str) -> Iterator[Front]:
    """A front of this test's own, which the Secret of the test's name leads to."""
    with Front(lab.glance.url) as running:
        entry = {
            "auth_type": "none",
            "image_endpoint_override": running.url,
            "trusted_headers": lab.glance.trusted_headers(),
        }
        lab.apply(lab.credentials(name, {"clouds": {"images": entry}}))
        yield running


def test_an_image_in_use_is_deleted_when_it_is_free(lab: Lab, name: str, front: Front) -> None:
    lab.apply(lab.image(name, lab.source.serve(name, DATA), name))
    image_id = lab.ready(name)["status"]["id"]
    rule = front.inject(Rule("DELETE", f"/v2/images/{image_id}$", 409, "Image is in use by volume x", times=1000))
    lab.delete(name)
    message = condition(lab.until(name, "Reconciling", "True", "InUse"), "Reconciling")["message"]
    assert "in use by volume x" in message
    rule.times = 0
    lab.retry(name, "free-now")
    lab.gone(name)
    assert lab.in_glance(image_id) is None


@pytest.mark.parametrize("passed_on", [False, True], ids=["lost", "done-but-answered-500"])
def test_a_deadlock_at_the_import_is_no_failed_attempt(lab: Lab, name: str, front: Front, passed_on: bool) -> None:
    front.inject(Rule("POST", "/import$", 500, "deadlock", times=2, passed_on=passed_on))
    lab.apply(lab.image(name, lab.source.serve(name, DATA), name, retryLimit=0))
    lab.ready(name)
    assert len(lab.source.requests_of(name)) == 1
    assert len(lab.owned(name)) == 1


def test_a_create_whose_answer_was_lost_makes_no_second_image(lab: Lab, name: str, front: Front) -> None:
    front.inject(Rule("POST", "/v2/images$", 502, passed_on=True))
    lab.apply(lab.image(name, lab.source.serve(name, DATA), name))
    status = lab.ready(name)["status"]
    assert [image["id"] for image in lab.owned(name)] == [status["id"]]
    assert status["incarnation"] == 1


def test_retry_after_is_honoured(lab: Lab, name: str, front: Front) -> None:
    rule = front.inject(Rule("GET", "/v2/info/import", 503, times=1, retry_after=4))
    lab.apply(lab.image(name, lab.source.serve(name, DATA), name))
    lab.until(name, "CloudReady", "False", "GlanceUnavailable")
    asked = list(front.requests)
    assert rule.seen == 1
    lab.ready(name)
    assert asked[-1] == ("GET", "/v2/info/import"), "nothing more before its time"


def test_an_image_deleted_in_the_middle_of_its_import_is_made_again(lab: Lab, name: str, front: Front) -> None:
    big = images.raw(8 << 20)
    lab.apply(lab.image(name, lab.source.serve(name, big), name))
    first = eventually(lambda: lab.owned(name))[0]["id"]
    lab.ask("DELETE", f"/images/{first}")
    body = eventually(lambda: (b := lab.ready(name)) and b["status"]["id"] != first and b)
    assert [image["id"] for image in lab.owned(name)] == [body["status"]["id"]]
