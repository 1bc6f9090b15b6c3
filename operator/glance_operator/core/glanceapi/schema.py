"""The database's schema: one GlanceAPI changes it, the others on that database wait for it, and it for their pods."""

from __future__ import annotations

import re
from dataclasses import replace

from glance_operator.core import manifests
from glance_operator.core.attempts import Work, job_plan
from glance_operator.core.glanceapi.drawing import Drawing
from glance_operator.core.glanceapi.observed import Peer, View
from glance_operator.core.manifests import database_name
from glance_operator.core.plan import Plan, stalled, waiting
from glance_operator.core.workload import AWAIT

AWAITED = "WaitingForSchema"
REASONS = frozenset({"Migrating", "MigrationFailed", "SchemaOwnedTwice", AWAITED})  # for which DatabaseReady is False
_PORTS = {"mysql": "3306", "mariadb": "3306", "postgresql": "5432"}

Place = tuple[str, str, str]


def place(connection: str, namespace: str) -> Place:
    """Host, port and name of the database that a connection leads to; users may differ, and ways to write the host."""
    server, _, name = connection.rpartition("@")[2].rpartition("://")[2].partition("?")[0].partition("/")
    host, colon, port = server.rpartition(":")
    if not colon or port.endswith("]"):  # an address of IPv6 has colons of its own
        host, port = server, _PORTS.get(re.split(r"[+:]", connection)[0], "")
    for suffix in (".", ".cluster.local", ".svc", f".{namespace}"):
        host = host.lower().removesuffix(suffix)
    return host, port, name


# The rules


def refuse_second_owner(drawn: Drawing) -> Plan | None:
    """Each of two would contract while the other's old pods run: the elder goes on."""
    view, rival = drawn.view, _owner(drawn.view)
    if not view.spec.database.manage_schema or rival is None or (view.born, view.name) < (rival.born, rival.name):
        return None
    words = f"GlanceAPI {rival.name}, which is older, manages the schema of this database, too"
    return stalled("SchemaOwnedTwice", f"{words}: set spec.database.manageSchema to false in one of them", AWAIT)


def await_owner(drawn: Drawing) -> Plan | None:
    """No pod starts with an image for which the schema is not made. What runs already has been through this."""
    view = drawn.view
    if view.spec.database.manage_schema or (view.workload and view.workload.image == view.image):
        return None
    owner = _owner(view)
    if owner and not owner.prepared:
        words = f"{_whose(owner)} and has not prepared it for {owner.image} yet: see its condition DatabaseReady"
        return waiting(AWAITED, words, AWAIT)
    if owner and owner.image == view.image:
        return None
    return _check(drawn, owner)


def migrate(drawn: Drawing) -> Plan | None:
    """What the new code adds to the schema does not disturb the old code."""
    return _change(drawn, "prepare")


def contract(drawn: Drawing) -> Plan | None:
    """What only the old code needed goes when the last old pod is gone; for those of others nothing else waits."""
    return None if _old_pods(drawn.view) else _change(drawn, "contract")


# What is said


def told(drawn: Drawing) -> tuple[str, str]:
    """Reason and message where all is well with the database."""
    view, owner = drawn.view, _owner(drawn.view)
    if not view.spec.database.manage_schema:
        return "SchemaManagedElsewhere", _whose(owner)
    contracted = view.jobs.get(database_name(drawn.of, "contract"))
    if (old := _old_pods(view)) and not (contracted and contracted.done):
        words = f"The schema is contracted when these pods run {view.image}, too, or are gone: {', '.join(old)}"
        return "ContractionAwaited", words
    return "DatabaseReady", ""


def _owner(view: View) -> Peer | None:
    """The eldest of those who change the schema beside this one."""
    return min((peer for peer in view.peers if peer.owner), key=lambda peer: (peer.born, peer.name), default=None)


def _whose(owner: Peer | None) -> str:
    if owner is None:
        return "No GlanceAPI of this namespace manages the schema of this database: it is left to somebody outside"
    paused = " (it is suspended)" if owner.suspended else ""
    return f"GlanceAPI {owner.name}{paused} manages the schema of this database"


def _old_pods(view: View) -> list[str]:
    """Images are compared as pods have them, too: admission may have named another registry."""
    new = {view.image, *(pod.image for pod in view.pods_of("api"))}
    return sorted(pod.name for pod in view.foreign if pod.image not in new)


def _check(drawn: Drawing, owner: Peer | None) -> Plan | None:
    """Where nobody of ours says that it is made for this image, Glance itself looks at the schema."""
    view = drawn.view
    job = manifests.check_job(drawn.of, owner.image if owner else "")
    plan = job_plan(view, job, Work(f"Looking whether the schema suits {view.image}", AWAITED, AWAITED))
    seen = view.jobs.get(job["metadata"]["name"])
    if plan is None or seen is None or not seen.failed:
        return plan
    return replace(plan, state=replace(plan.state, message=f"{_whose(owner)}. {plan.state.message}"))


def _change(drawn: Drawing, phase: str) -> Plan | None:
    if not drawn.view.spec.database.manage_schema:
        return None
    job = manifests.database_job(drawn.of, phase)
    return job_plan(drawn.view, job, Work(f"Changing the database's schema ({phase})", "Migrating", "MigrationFailed"))
