"""Credentials that do not serve: told in words, awaited, and taken up again once they are mended."""

from __future__ import annotations

import json

import pytest
from tests.integration.images.lab import Operator, condition
from tests.integration.keystone.conftest import CloudLab
from tests.integration.keystone.identity import PASSWORD, Administrator

from sandbox_kit import images
from sandbox_kit.keystone import OPERATOR_PASSWORD

pytestmark = pytest.mark.usefixtures("operator")
DATA = images.raw(1 << 16)
WRONG = "wr0ng-planted-password"

# case -> (clouds.yaml, what the reader is told); None: there is no Secret, or it lacks the key
MALFORMED: dict[str, tuple[str | None, str]] = {
    "absent": (None, "Secret {secret} does not exist: create it with the key clouds.yaml"),
    "no-key": (None, "Secret {secret} has no key clouds.yaml (it has: clouds.yml)"),
    "no-cloud": (
        "clouds: {prod: {}, test: {}}",
        "Secret {secret}: clouds.yaml has no cloud named images (it has: prod, test)",
    ),
    "no-yaml": (f"clouds: {{images: [{WRONG}", "Secret {secret}: clouds.yaml is not YAML: line 1, column 40"),
    "tabs": (
        f"clouds:\n  images:\n\t\tpassword: {WRONG}\n",
        "Secret {secret}: clouds.yaml is not YAML: line 3, column 1 is a tab: indent with spaces",
    ),
}


def test_what_is_wrong_with_a_secret_is_told_exactly_and_awaited(lab: CloudLab, name: str) -> None:
    url = lab.source.serve(name, DATA)
    for case, (clouds, _) in MALFORMED.items():
        secret = lab.credentials(f"{name}-{case}", clouds)
        if case == "no-key":
            secret["stringData"] = {"clouds.yml": "clouds: {}"}
        lab.apply(*([] if case == "absent" else [secret]), lab.image(f"{name}-{case}", url, f"{name}-{case}"))
    for case, (_, words) in MALFORMED.items():
        body = lab.until(f"{name}-{case}", "CloudReady", "False")
        told = words.format(secret=f"{lab.namespace}/{name}-{case}")
        assert condition(body, "CloudReady")["message"] == told
        assert condition(body, "Ready")["message"] == told
        assert condition(body, "Reconciling")["status"] == "True"

    lab.apply(lab.credentials(name, lab.clouds()), lab.image(name, url, name))
    lab.ready(name)  # nothing else stops

    lab.apply(*[lab.credentials(f"{name}-{case}", lab.clouds()) for case in MALFORMED])
    for case in MALFORMED:
        lab.ready(f"{name}-{case}")


def test_a_wrong_password_is_told_and_mending_the_secret_is_enough(lab: CloudLab, name: str) -> None:
    lab.apply(lab.credentials(name, lab.clouds(auth={"password": WRONG})))
    lab.apply(lab.image(name, lab.source.serve(name, DATA), name))
    body = lab.until(name, "CloudReady", "False", "CredentialsRefused")
    message = condition(body, "Ready")["message"]
    assert f"{lab.namespace}/{name}/images: Keystone refuses the credentials" in message
    assert "check them in the Secret" in message
    lab.apply(lab.credentials(name, lab.clouds()))
    lab.ready(name, timeout=75)


def test_the_retry_annotation_reads_the_secret_again(lab: CloudLab, name: str) -> None:
    lab.apply(lab.credentials(name, lab.clouds(auth={"password": WRONG})))
    lab.apply(lab.image(name, lab.source.serve(name, DATA), name))
    lab.until(name, "CloudReady", "False", "CredentialsRefused")
    lab.apply(lab.credentials(name, lab.clouds()))
    lab.retry(name, "mended")
    lab.ready(name, timeout=8)


def test_a_member_may_import_but_not_publish(lab: CloudLab, name: str, administrator: Administrator) -> None:
    administrator.make_member(name)
    lab.apply(lab.credentials(name, lab.clouds(auth={"username": name, "password": PASSWORD})))
    url = lab.source.serve(name, DATA)
    lab.apply(lab.image(name, url, name), lab.image(f"{name}-public", url, name, visibility="public"))
    lab.ready(name)
    body = lab.until(f"{name}-public", "Stalled", "True", "Forbidden")
    message = condition(body, "Ready")["message"]
    assert "Glance does not allow it to these credentials" in message
    assert "publicize_image" in message
    image = lab.in_glance(body["status"]["id"])
    assert image
    assert (image["status"], image["visibility"]) == ("active", "private")


def test_no_secret_is_ever_shown(lab: CloudLab, operator: Operator) -> None:
    """After all that went wrong above: neither in the log, which says all it knows, nor in Kubernetes."""
    events = lab.kubectl("get", "events.events.k8s.io", "-o", "json")
    objects = lab.kubectl("get", "gimg", "-o", "json")
    assert "CredentialsRefused" in events
    places = {"log": operator.log.read_text(), "events": events, "images": objects}
    for place, text in places.items():
        for secret in (OPERATOR_PASSWORD, PASSWORD, WRONG):
            assert secret not in text, f"a password is shown in: {place}"
    assert json.loads(objects)["items"]
