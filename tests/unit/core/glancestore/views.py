"""Views of a GlanceStore, and one that lives through what its rules decide."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.unit.core.config.services import PASSWORD, store

from glance_operator.api.glanceapi import GlanceAPISpec
from glance_operator.core.conditions import find
from glance_operator.core.config import Store
from glance_operator.core.glancestore import decide
from glance_operator.core.glancestore.observed import Api, View
from glance_operator.core.glancestore.status import recall, status
from glance_operator.core.manifests import proofs
from glance_operator.core.past import RETRY_ANNOTATION, past_of
from glance_operator.core.plan import Plan
from glance_operator.core.seen import job as seen_job
from glance_operator.core.workload import Apply, Job, Object, Pod, Remove

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
API_SPEC = {
    "database": {"sqlite": {}},
    "auth": {"keystone": {"authURL": "https://k", "credentialsSecretRef": {"name": "k"}}},
}
API = Api("glance", "0a1b", GlanceAPISpec.model_validate(API_SPEC), "glance:33")
CENTRAL = store("central", "file", {"pvc": {"claimName": "a"}})
FOUND = {("Secret", "k"): PASSWORD, ("Secret", "ceph"): {"keyring": "[client.glance]\n\tkey = AQ==\n"}}


def view(of: Store = CENTRAL, **parts: Any) -> View:
    given: dict[str, Any] = {
        "namespace": "images",
        "name": of.id,
        "uid": "6f0c",
        "generation": 1,
        "now": NOW,
        "api": API,
        "finalized": True,
        "found": FOUND,
        "in_place": lambda _: True,
    }
    return View(spec=of.spec, **{**given, **parts})


def plan(of: View) -> Plan:
    return decide(of)[1]


def name_of(of: View) -> str:
    drawn, _ = decide(of)
    assert drawn.proof
    return drawn.proof.name


def probed(of: View, words: str = "{}", **job: Any) -> View:
    name = name_of(of)
    return replace(of, jobs={name: Job(name, "probe", **job)}, pods=(Pod(f"{name}-x", "probe", job=name, words=words),))


def said(of: View, before: dict[str, Any] | None = None) -> dict[str, Any]:
    drawn, told = decide(of)
    return status(drawn, told, {"metadata": {"generation": 1}, "status": before or {}})


class Life:
    """A store in a world in which all that is decided is done, and nothing else happens by itself."""

    def __init__(self, of: Store = CENTRAL) -> None:
        self.store, self.found, self.now = of, dict(FOUND), NOW
        self.body: Object = {"metadata": {"generation": 1, "annotations": {}}, "status": {}}
        self.jobs: dict[str, Object] = {}
        self.words: dict[str, str] = {}
        self.secrets: dict[str, Object] = {}
        self.service: dict[str, str] = {}
        self.writes = 0

    @property
    def status(self) -> Object:
        found: Object = self.body["status"]
        return found

    def condition(self, kind: str) -> tuple[str, str, str]:
        found = find(self.status["conditions"], kind)
        return found["status"], found["reason"], found["message"]

    def seen(self, **parts: Any) -> View:
        memory = recall(self.body)
        kept = self.secrets.get(proofs.proof_name(self.store.id, memory.hash))
        return view(
            self.store,
            now=self.now,
            found=self.found,
            generation=self.body["metadata"]["generation"],
            api=replace(API, stores=self.service),
            memory=memory,
            past=past_of(self.body),
            kept=kept is not None and proofs.proven(content(kept), memory.hash) is not None,
            jobs={name: seen_job(body) for name, body in self.jobs.items()},
            pods=tuple(Pod(f"{name}-x", "probe", job=name, words=words) for name, words in self.words.items()),
            in_place=lambda one: one["metadata"]["name"] in self.secrets,
            **parts,
        )

    def go_on(self, **parts: Any) -> Plan:
        """Until nothing more is to be done now."""
        for _ in range(10):
            drawn, told = decide(self.seen(**parts))
            if told.step is None or told.record:
                self._publish(status(drawn, told, self.body))
            if told.step is None:
                return told
            self._take(told.step)
        raise AssertionError(f"no end of it: {told}")

    def end_job(self, words: str = "{}", *, done: bool = True) -> None:
        """The one job that runs."""
        (name,) = [name for name, body in self.jobs.items() if not body["status"]]
        when = self.now.strftime("%FT%TZ")
        kind = "Complete" if done else "Failed"
        self.jobs[name]["status"] = {"conditions": [{"type": kind, "status": "True", "lastTransitionTime": when}]}
        self.words[name] = words

    def prove(self, **parts: Any) -> Plan:
        """Everything from the first look to the service that runs with it."""
        self.go_on(**parts)
        self.end_job()
        self.go_on(**parts)
        self.service = {self.store.id: self.status["probe"]["hash"]}
        return self.go_on(**parts)

    def attempt(self) -> str:
        """The number on the one job."""
        (job,) = self.jobs.values()
        return str(job["metadata"].get("annotations", {}).get("glance-operator.io/attempt", "1"))

    def pass_time(self, **time: float) -> None:
        self.now += timedelta(**time)

    def change(self, to: Store) -> None:
        self.store = to
        self.body["metadata"]["generation"] += 1

    def retry(self, value: str) -> None:
        self.body["metadata"]["annotations"][RETRY_ANNOTATION] = value

    def _publish(self, new: Object) -> None:
        self.writes += new != self.status
        self.body = {**self.body, "status": new}

    def _take(self, step: object) -> None:
        assert isinstance(step, Apply | Remove), step
        if isinstance(step, Remove):
            for kind, name in step.objects:
                (self.jobs if kind == "Job" else self.secrets).pop(name, None)
                self.words.pop(name, None)
        for one in step.objects if isinstance(step, Apply) else step.then:
            if one["kind"] == "Job":
                self.jobs[one["metadata"]["name"]] = {**one, "status": {}}
            else:
                self.secrets[one["metadata"]["name"]] = one


def content(secret: Object) -> dict[str, str]:
    return {name: base64.b64decode(text).decode() for name, text in secret["data"].items()}
