"""What is said about a GlanceAPI: the whole status, computed afresh at each look."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from glance_operator.core.conditions import FALSE, TRUE, UNKNOWN, Condition, find, merged, standard
from glance_operator.core.config.imports import methods
from glance_operator.core.config.server import PORT
from glance_operator.core.glanceapi import caching, drawing, rules
from glance_operator.core.glanceapi.drawing import Drawing
from glance_operator.core.glanceapi.observed import Memory, View
from glance_operator.core.manifests import HOUSEKEEPING, database_name, preflight_name
from glance_operator.core.manifests.plan import selector
from glance_operator.core.plan import Plan
from glance_operator.core.workload import words_of

_CONFIG = frozenset(
    {"ImageMissing", "InputMissing", "InputInvalid", "Configured", "Preparing", "Proving", "ConfigRefused"}
)
_DATABASE = frozenset({"Migrating", "MigrationFailed"})
TRIAL = "for a trial, not for production"


def recall(body: Mapping[str, Any]) -> Memory:
    """From the object as the API server gives it."""
    status = body.get("status") or {}
    version = status.get("version") or {}
    return Memory(
        was_ready=find(status.get("conditions") or (), "Ready").get("status") == TRUE,
        serving=bool(status.get("endpoint") and status.get("readyReplicas")),
        stores=tuple(one["name"] for one in status.get("stores") or ()),
        release=version.get("release", ""),
        revision=version.get("databaseRevision", ""),
    )


def status(view: View, drawn: Drawing | None, plan: Plan, body: Mapping[str, Any]) -> dict[str, Any]:
    """The new ``status`` of ``body``; equal to the old one when there is nothing new to say."""
    old = body.get("status") or {}
    wanted = [*standard(plan.state, view.memory.was_ready), *_own(view, plan)]
    conditions = merged(old.get("conditions") or (), wanted, view.generation, view.now.strftime("%FT%TZ"))
    said = {**old, "observedGeneration": view.generation, "conditions": conditions, **_pods(view)}
    if drawn is not None:
        said |= _service(drawn)
    return {name: value for name, value in said.items() if value not in (None, "", {}, [])}


def _own(view: View, plan: Plan) -> list[Condition]:
    stores = rules.await_stores(view) or rules.await_default(view)
    held = plan.state.reason in _CONFIG
    return [
        _said("StoresReady", stores, "StoresReady"),
        _stage("ConfigReady", plan, stopped=held, before=bool(stores)),
        _auth(view, plan, before=held or bool(stores)),
        _database(view, plan, before=held or bool(stores)),
        _workload(view),
        _endpoint(view),
        _housekeeping(view),
    ]


def _said(kind: str, plan: Plan | None, fine: str, message: str = "") -> Condition:
    return (
        Condition(kind, FALSE, plan.state.reason, plan.state.message) if plan else Condition(kind, TRUE, fine, message)
    )


def _stage(kind: str, plan: Plan, *, stopped: bool, before: bool, message: str = "") -> Condition:
    """stopped: here; before: what comes first is not done yet."""
    if stopped:
        return Condition(kind, FALSE, plan.state.reason, plan.state.message)
    if before:
        return Condition(kind, UNKNOWN, "NotReached", f"First: {plan.state.reason}")
    return Condition(kind, TRUE, kind, message)


def _auth(view: View, plan: Plan, *, before: bool) -> Condition:
    """The proof of the configuration asks Keystone for a token."""
    if view.spec.auth.trusted:
        return Condition("AuthReady", TRUE, "Trusted", f"Whoever can connect is believed: {TRIAL}")
    return _stage("AuthReady", plan, stopped=False, before=before)


def _database(view: View, plan: Plan, *, before: bool) -> Condition:
    message = f"SQLite: {TRIAL}" if view.spec.database.sqlite else ""
    return _stage("DatabaseReady", plan, stopped=plan.state.reason in _DATABASE, before=before, message=message)


def _endpoint(view: View) -> Condition:
    if view.workload and view.workload.ready:
        return Condition("EndpointReady", TRUE, "Serving")
    return Condition("EndpointReady", FALSE, "NoPodServes", "No pod answers requests: see WorkloadReady")


def _housekeeping(view: View) -> Condition:
    purge, caches = _purge(view), caching.troubles(view)
    if purge.status == TRUE and caches:
        return Condition("HousekeepingReady", FALSE, "CacheMaintenanceFailed", f"Caches: {'; '.join(caches)}")
    return purge


def _purge(view: View) -> Condition:
    if not view.spec.database.manage_schema:
        return Condition("HousekeepingReady", TRUE, "DoneElsewhere", "spec.database.manageSchema is false")
    failed = [job.name for job in view.jobs.values() if job.component == HOUSEKEEPING and job.failed]
    if failed:
        last = max(failed)
        words = words_of(view.pods, last) or "see its log"
        return Condition("HousekeepingReady", FALSE, "PurgeFailed", f"Job {last}: {words}")
    return Condition("HousekeepingReady", TRUE, "Scheduled")


def _workload(view: View) -> Condition:
    """The pods that are there, whatever is being prepared for the next ones."""
    workload = view.workload
    if workload is None:
        return Condition("WorkloadReady", FALSE, "NotDeployed", "There is no StatefulSet yet")
    troubles = rules.troubles(view)
    said = "; ".join([f"{workload.ready} of {workload.replicas} pods serve", *troubles])
    if workload.ready == workload.replicas:
        return Condition("WorkloadReady", TRUE, "PodsReady", said)
    return Condition("WorkloadReady", FALSE, _first_word(troubles) or "PodsNotReady", said)


def _first_word(troubles: list[str]) -> str:
    """The reason that Kubernetes gives, such as ImagePullBackOff."""
    word = troubles[0].split(": ")[1] if troubles else ""
    return word if word.isalpha() else ""


def _pods(view: View) -> dict[str, Any]:
    nodes = [
        {
            "name": pod.name,
            "ready": pod.ready,
            "leaving": pod.leaving or "",
            "url": view.url_of(pod),
            "containerID": pod.container_id,
            "restarts": pod.restarts,
            "startTime": pod.started,
            "cacheReady": pod.cache_ready,
        }
        for pod in sorted(view.pods_of("api"), key=lambda pod: pod.name)
    ]
    workload = view.workload
    return {
        "replicas": len(nodes),
        "readyReplicas": workload.ready if workload else 0,
        "nodes": [{name: value for name, value in node.items() if value not in ("", None)} for node in nodes],
    }


def _service(drawn: Drawing) -> dict[str, Any]:
    view, of = drawn.view, drawn.of
    port = view.spec.service.port if view.spec.service else PORT
    first = drawing.default(view)
    stores = [
        {
            "name": member.id,
            "default": member is first,
            "status": TRUE if member.usable else FALSE,
            "reason": "Usable" if member.usable else "NotUsable",
        }
        for member in drawn.members
    ]
    usable, cache = sum(member.usable for member in view.members), view.spec.cache
    running = view.workload is not None and view.workload.rolled_out and view.workload.config == of.config
    return {
        **({"stores": stores, "cacheMaxSize": cache and cache.max_size} if running else {}),  # what the pods know now
        "selector": ",".join(f"{name}={value}" for name, value in sorted(selector(of).items())),
        "storesReady": f"{usable}/{len(view.members)}",
        "endpoint": f"{of.scheme}://{of.name}.{of.namespace}.svc.{of.domain}:{port}",
        "importMethods": list(methods(view.spec.imports)),
        "configHash": view.workload.config[-10:] if view.workload else "",
        "version": {name: value for name, value in _version(drawn).items() if value},
    }


def _version(drawn: Drawing) -> dict[str, str]:
    """What the jobs told of themselves; they may be gone."""
    view = drawn.view
    told = words_of(view.pods, preflight_name(drawn.of))
    try:
        release = str(json.loads(told)["release"])
    except (ValueError, KeyError, TypeError):
        release = view.memory.release
    revision = words_of(view.pods, database_name(drawn.of, "contract"))
    return {"release": release, "databaseRevision": revision.split()[-1] if revision else view.memory.revision}
