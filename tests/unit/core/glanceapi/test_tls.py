"""The certificate of a GlanceAPI: what is refused, how it reaches the pods, and what is said when it ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.glanceapi.views import FOUND, but, done, everything, plan, running, view
from tests.unit.core.issuing import END, PODS, SERVICE, chain

from glance_operator.core.conditions import find
from glance_operator.core.glanceapi import decide
from glance_operator.core.glanceapi.drawing import draw
from glance_operator.core.glanceapi.observed import View
from glance_operator.core.glanceapi.status import recall, status
from glance_operator.core.plan import Phase

TLS = {"tls": {"secretName": "web"}}


def served(crt: str = chain(), **more: str) -> View:
    return view(TLS, found={**FOUND, ("Secret", "web"): {"tls.crt": crt, "tls.key": "KEY", **more}})


def serving(of: View) -> View:
    return running(done(replace(of, in_place=everything)))


def said(of: View, before: dict[str, Any] | None = None) -> dict[str, Any]:
    drawn, found = decide(of)
    return status(of, drawn, found, {"metadata": {"generation": 1}, "status": before or {}})


def endpoint(of: View) -> tuple[str, str, str]:
    told = find(said(of)["conditions"], "EndpointReady")
    return told["status"], told["reason"], told["message"]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "Secret web (spec.tls.secretName) does not exist"),
        ({"tls.crt": "x"}, "has no key tls.key"),
        ({"tls.crt": "x", "tls.key": "y"}, "tls.crt holds no certificate that can be read"),
        ({"tls.crt": chain((SERVICE,)), "tls.key": "y"}, f"not valid for {PODS}: issue it"),
        ({"tls.crt": chain(("images.example.org",)), "tls.key": "y"}, f"not valid for {SERVICE} and {PODS}"),
        ({"tls.crt": chain(end=END - timedelta(days=365)), "tls.key": "y"}, "expired at 2025-06-01T00:00:00Z"),
    ],
)
def test_what_clients_would_not_accept_reaches_no_pod(found: dict[str, str] | None, words: str) -> None:
    told = said(view(TLS, found={**FOUND, ("Secret", "web"): found}))
    ready = find(told["conditions"], "ConfigReady")
    assert ready["status"] == "False"
    assert words in ready["message"]
    assert ready["message"].count("does not exist") <= 1


def test_each_pod_may_be_named_instead_of_all() -> None:
    pods = [f"glance-{number}.glance-pods.images.svc.cluster.local" for number in range(2)]
    assert plan(served(chain((SERVICE, *pods)))).state.reason == "Configured"
    assert PODS in plan(served(chain((SERVICE, pods[0])))).state.message


def test_it_lies_beside_the_configuration_and_another_one_is_another_configuration() -> None:
    drawn = draw(served(**{"ca.crt": "CA"}))
    assert (drawn.files["tls.key"], drawn.files["tls.ca.crt"]) == ("KEY\n", "CA\n")
    renewed = draw(served(chain(end=END + timedelta(days=90)), **{"ca.crt": "CA"}))
    assert renewed.of.config != drawn.of.config
    assert "KEY" not in repr(drawn)


def test_an_authority_is_not_needed_by_who_vouches_for_himself_nor_where_it_is_public() -> None:
    itself = chain(issuer="")
    assert draw(served(itself)).files["tls.ca.crt"] == itself
    assert draw(served()).files["tls.ca.crt"].strip() == ""


def test_the_status_tells_its_end_once_the_pods_have_it() -> None:
    of = served()
    assert "tls" not in said(replace(of, in_place=but("StatefulSet")))
    told = said(serving(of))
    assert told["tls"] == {"notAfter": "2026-06-01T00:00:00Z"}
    renewed = replace(serving(of), found=served(chain(end=END + timedelta(days=90))).found)
    renewed = replace(renewed, memory=recall({"status": told}))
    assert said(renewed, told)["tls"] == told["tls"], "they do not have the new one yet"
    gone = replace(renewed, found=FOUND)
    assert said(gone, told)["tls"] == told["tls"], "they go on with what they have"


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (timedelta(days=14), ("True", "Serving", "")),
        (timedelta(days=13), ("True", "CertificateExpiresSoon", "expires at 2026-06-01T00:00:00Z: renew it")),
        (timedelta(0), ("False", "CertificateExpired", "expired at 2026-06-01T00:00:00Z: renew it in Secret web")),
    ],
)
def test_its_end_is_told_before_it_comes(left: timedelta, expected: tuple[str, str, str]) -> None:
    state, reason, words = endpoint(replace(serving(served()), now=END - left))
    assert (state, reason) == expected[:2]
    assert expected[2] in words


def test_expired_the_service_is_not_ready_and_goes_on() -> None:
    of = replace(serving(served()), now=END)
    assert (plan(of).state.phase, plan(of).state.reason) == (Phase.WORKING, "CertificateExpired")
    assert plan(replace(of, in_place=but("StatefulSet"))).step, "what is lost is made again"
    renewed = serving(served(chain(end=END + timedelta(days=90))))
    assert plan(replace(renewed, now=END)).state.phase is Phase.READY
