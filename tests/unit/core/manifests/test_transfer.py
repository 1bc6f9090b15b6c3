"""The Job of a transfer, and its Secret: compared with what was once looked at, and what has to be true of them."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.core.manifests.deliveries import DELIVERIES, delivery

from glance_operator.core.manifests import Object
from glance_operator.core.manifests.transfer import Delivery, config, objects
from glance_operator.core.manifests.transfer_pod import TransferPod
from glance_operator.core.transfer.config import TransferConfig

GOLDEN = Path(__file__).parent / "golden"


def shown(of: Delivery) -> str:
    """Both objects, with the document as it reads."""
    secret, job = objects(of)
    data = {name: base64.b64decode(text).decode() for name, text in secret.pop("data").items()}
    data["transfer.json"] = json.loads(data["transfer.json"])
    plain = json.loads(json.dumps([{**secret, "stringData": data}, job]))
    return yaml.safe_dump_all(plain, sort_keys=False, width=120)


@pytest.mark.parametrize("name", DELIVERIES)
def test_the_objects_are_those_that_were_looked_at(name: str) -> None:
    """After a change that is meant: UPDATE_GOLDEN=1 writes them anew; then read the diff."""
    text, file = shown(DELIVERIES[name]), GOLDEN / f"transfer-{name}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text)
    assert text == file.read_text()


@pytest.mark.parametrize("name", DELIVERIES)
def test_the_program_understands_its_document(name: str) -> None:
    secret, _ = objects(DELIVERIES[name])
    document = base64.b64decode(secret["data"]["transfer.json"])
    assert TransferConfig.model_validate_json(document) == config(DELIVERIES[name])


def pod_of(of: Delivery) -> Object:
    spec: Object = objects(of)[1]["spec"]["template"]["spec"]
    return spec


@pytest.mark.parametrize("name", DELIVERIES)
def test_each_file_that_is_named_is_mounted(name: str) -> None:
    of = DELIVERIES[name]
    places = [mount["mountPath"] for mount in pod_of(of)["containers"][0]["volumeMounts"]]
    named = [one for one in strings(config(of).model_dump()) if one.startswith("/etc/")]
    assert named
    for file in named:
        assert any(file == place or file.startswith(f"{place}/") for place in places), file


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [one for part in value.values() for one in strings(part)]
    if isinstance(value, list | tuple):
        return [one for part in value for one in strings(part)]
    return [value] if isinstance(value, str) else []


def test_no_credential_is_in_a_job_and_none_of_the_users_in_our_secret() -> None:
    of = DELIVERIES["guarded"]
    secret, job = objects(of)
    assert "t0ken" not in json.dumps(job)
    assert base64.b64decode(secret["data"]["headers"]).decode() == "X-Auth-Token: t0ken\n"
    assert {"username", "password"} == {
        item["key"]
        for volume in pod_of(of)["volumes"]
        if volume["name"] == "auth"
        for item in volume["secret"]["items"]
    }


def test_attempts_begin_at_another_address_each_time() -> None:
    of = [
        config(delivery(source={"http": {"url": "http://a/x", "mirrors": ["http://b/x"]}}, start=n)) for n in range(3)
    ]
    assert [one.source.start for one in of] == [0, 1, 0]


def test_a_pod_is_as_the_administrator_says_and_keeps_our_labels() -> None:
    pod = TransferPod(labels={"app.kubernetes.io/component": "mine", "team": "x"}, runtime_class_name="gvisor")
    template = objects(delivery(pod=pod))[1]["spec"]["template"]
    assert template["metadata"]["labels"]["app.kubernetes.io/component"] == "transfer"
    assert template["metadata"]["labels"]["team"] == "x"
    assert template["spec"]["runtimeClassName"] == "gvisor"
