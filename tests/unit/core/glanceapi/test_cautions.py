"""What is valid and may surprise is said, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.core.glanceapi.test_status import said, serving
from tests.unit.core.glanceapi.views import view

from glance_operator.core.conditions import find
from glance_operator.core.glanceapi import cautions

INJECT = {"properties": {"a": "b"}}
RAW = {"outputFormat": "raw"}


@pytest.mark.parametrize(
    ("imports", "words"),
    [
        (None, []),
        ({"decompression": {}}, []),
        ({"conversion": RAW}, ["spec.imports.conversion: copy-image does not convert"]),
        ({"conversion": RAW, "methods": ["web-download", "glance-direct", "glance-download"]}, []),
        (
            {"decompression": {}, "injectMetadata": {**INJECT, "ignoreUserRoles": []}, "methods": ["copy-image"]},
            ["spec.imports.decompression, spec.imports.injectMetadata: never takes place"],
        ),
        ({"injectMetadata": INJECT}, ["ignoreUserRoles is absent, which means admin"]),
        ({"injectMetadata": {**INJECT, "ignoreUserRoles": ["admin", "other"]}}, ["ignoreUserRoles has admin"]),
        ({"injectMetadata": {**INJECT, "ignoreUserRoles": ["other"]}}, []),
        ({"injectMetadata": {**INJECT, "ignoreUserRoles": []}}, []),
        ({"injectMetadata": INJECT, "conversion": RAW}, ["copy-image", "ignoreUserRoles"]),
    ],
)
def test_what_surprises_is_said(imports: dict[str, Any] | None, words: list[str]) -> None:
    told = cautions.of(view({"imports": imports} if imports else {}).spec)
    assert len(told) == len(words)
    assert all(part in whole for part, whole in zip(words, told, strict=True))


def test_it_is_said_beside_a_configuration_that_is_in_force() -> None:
    of = serving({"imports": {"injectMetadata": INJECT}})
    told = find(said(of)["conditions"], "ConfigReady")
    assert (told["status"], told["reason"]) == ("True", "ConfigReadyWithWarnings")
    assert "spec.imports.injectMetadata" in told["message"]
    assert find(said(of)["conditions"], "Ready")["status"] == "True"
