"""Credentials that do not serve: told in words, awaited, and taken up again once they are mended."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from tests.integration.images.lab import Operator, condition
from tests.integration.keystone.conftest import CloudLab
from tests.integration.keystone.doorway import Doorway
from tests.integration.keystone.identity import PASSWORD, Administrator
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.keystone import OPERATOR_PASSWORD

pytestmark = pytest.mark.usefixtures("operator")
DATA = images.raw(1 << 16)
WRONG = "wr0ng-planted-password"


@dataclass(frozen=True)
class Case:
    """A Secret that does not serve, and what the reader of a condition is told about it."""

    words: str
    content: dict[str, str] | None  # None: there is no Secret
    reason: str = "CredentialsInvalid"


def unusable(lab: CloudLab) -> dict[str, Case]:
    wrong = json.dumps(lab.clouds(auth={"password": WRONG}))
    return {
        "absent": Case(
            "Secret {secret} does not exist: create it with the key clouds.yaml", None, "CredentialsNotFound"
        ),
        "key": Case("Secret {secret} has no key clouds.yaml (it has: clouds.yml)", {"clouds.yml": wrong}),
        "cloud": Case(
            "Secret {secret}: clouds.yaml has no cloud named images (it has: prod, test)",
            {"clouds.yaml": "clouds: {prod: {}, test: {}}"},
        ),
        "yaml": Case(
            "Secret {secret}: clouds.yaml is not YAML: line 2, column 1",
            {"clouds.yaml": f"clouds: {{images: [{WRONG}\n"},
        ),
        "tabs": Case(
            "Secret {secret}: clouds.yaml is not YAML: line 3, column 1 is a tab: indent with spaces",
            {"clouds.yaml": f"clouds:\n  images:\n\t\tpassword: {WRONG}\n"},
        ),
        "refused": Case(
            "Cloud images of Secret {name}: Keystone refuses the credentials (HTTP 401): check them in the Secret",
            {"clouds.yaml": wrong},
            "CredentialsRefused",
        ),
    }


def test_what_is_wrong_with_credentials_is_told_exactly_and_awaited(lab: CloudLab, name: str) -> None:
    url, cases = lab.source.serve(name, DATA), {f"{name}-{case}": it for case, it in unusable(lab).items()}
    for secret, case in cases.items():
        made = [lab.credentials(secret) | {"stringData": case.content}] if case.content else []
        lab.apply(*made, lab.image(secret, url, secret))
    for secret, case in cases.items():
        body = lab.until(secret, "CloudReady", "False", case.reason)
        told = case.words.format(secret=f"{lab.namespace}/{secret}", name=secret)
        assert [condition(body, kind)["message"] for kind in ("CloudReady", "Ready")] == [told, told]
        assert condition(body, "Reconciling")["status"] == "True"

    lab.apply(lab.credentials(name, lab.clouds()), lab.image(name, url, name))
    lab.ready(name)  # nothing else stops

    versions = {secret: lab.get(secret)["metadata"]["generation"] for secret in cases}
    lab.apply(*[lab.credentials(secret, lab.clouds()) for secret in cases])
    for secret in cases:
        assert lab.ready(secret, timeout=60)["metadata"]["generation"] == versions[secret]


def test_the_retry_annotation_reads_the_secret_again(lab: CloudLab, name: str) -> None:
    """Long before it is read again anyhow: a look that follows a refusal would come after 9 s at the earliest."""
    lab.apply(lab.credentials(name, lab.clouds(auth={"password": WRONG})))
    lab.apply(lab.image(name, lab.source.serve(name, DATA), name))
    lab.until(name, "CloudReady", "False", "CredentialsRefused")
    lab.apply(lab.credentials(name, lab.clouds()))
    lab.retry(name, "mended")
    lab.until(name, "CloudReady", "True", timeout=8)
    assert lab.ready(name)["status"]["lastHandledRetry"] == "mended"


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


def test_no_secret_is_ever_shown(lab: CloudLab, name: str, operator: Operator, doorway: Doorway) -> None:
    """Neither in the log, which says all it knows, nor in Kubernetes; whether all goes well or nothing does."""
    credential = lab.keystone.new_application_credential(name)
    good = lab.keystone.application_credential_clouds(credential)
    good["clouds"]["images"]["auth"]["auth_url"] = doorway.url
    ways = {"good": good, "bad": lab.clouds(auth={"password": WRONG}), "odd": f"clouds:\n\tpassword: {WRONG}"}
    for way, clouds in ways.items():
        one = f"{name}-{way}"
        lab.apply(lab.credentials(one, clouds), lab.image(one, lab.source.serve(name, DATA), one))
    lab.ready(f"{name}-good")
    lab.until(f"{name}-bad", "CloudReady", "False", "CredentialsRefused")
    lab.until(f"{name}-odd", "CloudReady", "False", "CredentialsInvalid")

    def told() -> str:
        text = operator.log.read_text() + lab.kubectl("get", "gimg,events.events.k8s.io", "-o", "json")
        assert text.count(f"{name}-bad") > 4  # in the log, in an Event, in a status
        return text

    shown = eventually(told)
    assert doorway.tokens
    for secret in (OPERATOR_PASSWORD, PASSWORD, WRONG, credential.secret, *doorway.tokens):
        assert secret not in shown
