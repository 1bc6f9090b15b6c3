"""The plain failures: each ends in the right condition with words that help, and mending the cause is enough."""

from dataclasses import replace

import pytest
from tests.integration.images.lab import Lab, Operator, condition
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.source import Fault

pytestmark = pytest.mark.usefixtures("operator")
DATA = images.raw(1 << 20)
ALL: dict[str, object] = {"all": {}}


WAYS = {"one": {"names": ["dcn0"]}, "all": ALL, "strict": {"all": {}, "allowFailure": False}}
FAULTS = ("404", "500", "refused")


def test_a_source_that_fails_is_tried_again_up_to_the_limit(lab: Lab, name: str) -> None:
    cases = {f"{name}-{fault}-{way}": (fault, stores) for fault in FAULTS for way, stores in WAYS.items()}
    urls = {case: _failing(lab, case, fault) for case, (fault, _) in cases.items()}
    lab.apply(*(lab.image(case, urls[case], retryLimit=2, stores=stores) for case, (_, stores) in cases.items()))
    for case, (fault, _) in cases.items():
        body = lab.until(case, "Stalled", "True", "RetryLimitExceeded", timeout=90)
        ready = condition(body, "Ready")
        assert (ready["status"], body["status"]["attempt"]["count"]) == ("False", 2)
        assert urls[case] in ready["message"]
        assert "retry" in ready["message"]
        if fault != "refused":
            assert len(lab.source.requests_of(case)) == 2

    for case in cases:
        lab.patch(case, source={"http": {"url": lab.source.serve(f"{case}-good", DATA)}})
    for case in cases:
        status = lab.ready(case)["status"]
        assert [i["id"] for i in lab.owned(case)] == [status["id"]]


def _failing(lab: Lab, file: str, fault: str) -> str:
    if fault == "refused":
        return lab.source.refusing_url(file)
    return lab.source.serve(file, DATA, Fault(status=int(fault)))


def test_a_source_that_recovers_is_served_without_any_help(lab: Lab, name: str) -> None:
    lab.apply(lab.image(name, lab.source.serve(name, DATA, Fault(status=503, times=2))))
    lab.ready(name)
    assert len(lab.source.requests_of(name)) == 3


def test_a_mirror_helps_out(lab: Lab, name: str) -> None:
    source = {"http": {"url": lab.source.url_of("nowhere"), "mirrors": [lab.source.serve(name, DATA)]}}
    lab.apply(lab.image(name, source=source))
    assert lab.ready(name)["status"]["content"]["source"].endswith(name)


def test_the_retry_annotation_starts_again(lab: Lab, name: str) -> None:
    url = lab.source.serve(name, DATA, Fault(status=404))
    lab.apply(lab.image(name, url, retryLimit=0))
    lab.until(name, "Stalled", "True", "RetryLimitExceeded")
    assert len(lab.source.requests_of(name)) == 1
    lab.source.serve(name, DATA)
    lab.retry(name, "please")
    status = lab.ready(name)["status"]
    assert status["lastHandledRetry"] == "please"
    assert "count" not in status.get("attempt", {})


def test_an_unknown_store_is_named_with_those_that_exist(lab: Lab, name: str) -> None:
    url = lab.source.serve(name, DATA)
    lab.apply(lab.image(name, url, stores={"names": ["central", "mars"]}))
    message = condition(lab.until(name, "Stalled", "True", "UnknownStore"), "Stalled")["message"]
    assert "mars" in message
    assert "central, dcn0, dcn1" in message
    assert lab.owned(name) == []
    lab.patch(name, stores={"names": ["central", "dcn1"]})
    assert lab.ready(name)["status"]["storesReady"] == "2/2"


def test_a_url_that_the_service_does_not_fetch(lab: Lab, name: str) -> None:
    lab.apply(lab.image(name, "http://127.0.0.1:1/x"))
    message = condition(lab.until(name, "Stalled", "True", "SourceRefused"), "Stalled")["message"]
    assert "http://127.0.0.1:1/x" in message
    assert "filter" in message
    lab.patch(name, source={"http": {"url": lab.source.serve(name, DATA)}})
    lab.ready(name)


def test_what_glance_forbids_is_told_and_what_is_served_stays(lab: Lab, name: str) -> None:
    lab.apply(lab.image(name, lab.source.serve(name, DATA)))
    image_id = lab.ready(name)["status"]["id"]
    usual = lab.glance.config
    lab.glance.configure(replace(usual, policy={"modify_image": "!"}))
    try:
        lab.patch(name, tags=["new"])
        message = condition(lab.until(name, "Stalled", "True", "Forbidden"), "Stalled")["message"]
    finally:
        lab.glance.configure(replace(usual, policy={"modify_image": "@"}))  # without a rule the last one would stay
    assert "not allow" in message
    assert (lab.in_glance(image_id) or {})["status"] == "active"
    lab.retry(name, "allowed-now")
    lab.ready(name)
    assert (lab.in_glance(image_id) or {})["tags"] == ["new"]


MALFORMED = {
    "tab": ("clouds:\n\timages: {}\n", "line 2, column 1 is a tab: indent with spaces"),
    "yaml": ("clouds: [", "is not YAML"),
    "list": ("- clouds", "no mapping named clouds"),
    "other": ("clouds: {other: {}}", "no cloud named images (it has: other)"),
    "plugin": ("clouds: {images: {auth_type: nonsense}}", "cannot be used"),
}


def test_a_malformed_or_missing_secret_is_told_and_awaited(lab: Lab, name: str) -> None:
    cases = {f"{name}-{case}": (clouds, words) for case, (clouds, words) in MALFORMED.items()}
    url = lab.source.serve(name, DATA)
    lab.apply(*(lab.credentials(case, clouds) for case, (clouds, _) in cases.items()))
    lab.apply(*(lab.image(case, url, case) for case in [*cases, f"{name}-missing"]))
    for case, (_, words) in cases.items():
        body = lab.until(case, "CloudReady", "False", "CredentialsInvalid")
        assert words in condition(body, "Ready")["message"]
        assert condition(body, "Reconciling")["status"] == "True"
    body = lab.until(f"{name}-missing", "CloudReady", "False", "CredentialsNotFound")
    assert f"Secret {lab.namespace}/{name}-missing does not exist" in condition(body, "Ready")["message"]

    lab.apply(*(lab.credentials(case) for case in [*cases, f"{name}-missing"]))
    for case in [*cases, f"{name}-missing"]:
        lab.ready(case)


def test_what_is_not_built_is_refused_in_words(lab: Lab, name: str) -> None:
    lab.apply(lab.image(name, source={"upload": {}}))
    message = condition(lab.until(name, "Stalled", "True", "NotSupported"), "Stalled")["message"]
    assert "spec.source.upload" in message


def test_one_that_fails_stops_nothing_else(lab: Lab, name: str, operator: Operator) -> None:
    bad = [lab.image(f"{name}-{i}", lab.source.url_of(f"no-{i}"), retryLimit=-1) for i in range(6)]
    lab.apply(*bad)
    lab.apply(lab.image(name, lab.source.serve(name, DATA)))
    lab.ready(name)
    eventually(
        lambda: all(condition(lab.get(f"{name}-{i}"), "Ready").get("reason") == "ImportFailed" for i in range(6))
    )
    for i in range(6):
        lab.delete(f"{name}-{i}")
    assert operator.process.alive
