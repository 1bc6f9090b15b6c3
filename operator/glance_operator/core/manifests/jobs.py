"""Work that is done once or regularly, beside the service: the database's schema, its cleaning."""

from __future__ import annotations

from collections.abc import Sequence

from glance_operator.api.glanceapi.images import Housekeeping, Purge
from glance_operator.api.glanceapi.pod import Pod
from glance_operator.core.manifests import pods, storage
from glance_operator.core.manifests.plan import Blueprint, Object, given, labels, owned

ROWS = 1000  # at a time, so that no transaction holds up the service
PURGE_SECONDS = 3600
KEPT_SECONDS = 24 * 3600
ATTEMPTS = 10  # the database may come up later than we do


def manage(*words: str) -> str:
    """A command line of glance-manage."""
    return " ".join(["glance-manage", "--config-file", "$OS_GLANCE_CONFIG_DIR/glance-api.conf", *words])


def database_job(of: Blueprint, phase: str) -> Object:
    """One phase of a migration: `expand`, `migrate`, `contract`, or `sync` for all of them on an empty database."""
    return _job(of, f"{of.name}-db-{phase}-{of.config[-10:]}", "database", manage("db", phase))


def purge(of: Blueprint) -> Object | None:
    """The CronJob that removes the records of deleted images; none where another GlanceAPI does it."""
    if not of.spec.database.manage_schema:
        return None
    wanted = (of.spec.housekeeping or Housekeeping()).purge or Purge()
    limits = ("--age_in_days", str(wanted.retention_days), "--max_rows", str(ROWS))
    lines = [manage("db", "purge", *limits)]
    if wanted.purge_images:
        lines.append(manage("db", "purge_images_table", *limits))
    spec = {
        "schedule": wanted.schedule,
        "concurrencyPolicy": "Forbid",
        "suspend": of.spec.suspend,
        "jobTemplate": {"spec": {**_work(of, "housekeeping", lines, 1), "activeDeadlineSeconds": PURGE_SECONDS}},
    }
    return owned(of, "CronJob", "batch/v1", f"{of.name}-purge", "housekeeping", spec=spec)


def _job(of: Blueprint, name: str, component: str, *lines: str) -> Object:
    work = {**_work(of, component, lines, ATTEMPTS), "ttlSecondsAfterFinished": KEPT_SECONDS}
    return owned(of, "Job", "batch/v1", name, component, spec=work)


def _work(of: Blueprint, component: str, lines: Sequence[str], attempts: int) -> Object:
    wanted = of.spec.pod or Pod()
    container = given(
        {
            "name": component,
            "image": of.image,
            "imagePullPolicy": of.spec.image_pull_policy,
            "command": ["/bin/sh", "-ec", "\n".join(lines)],
            "env": [{"name": "OS_GLANCE_CONFIG_DIR", "value": of.places.etc}],
            "securityContext": pods.CONFINED,
            "volumeMounts": [*pods.config_mounts(of), *_database(of)[1]],
        }
    )
    spec = {
        **pods.shared(of, wanted),
        "restartPolicy": "Never",
        "containers": [container],
        "volumes": [*pods.config_volumes(of), *_database(of)[0]],
    }
    return {"backoffLimit": attempts, "template": {"metadata": {"labels": labels(of, component)}, "spec": spec}}


def _database(of: Blueprint) -> tuple[list[Object], list[Object]]:
    """Volume and mount of a trial's database; of the service's other volumes a job needs none."""
    named = [[one for one in parts if one["name"] == "database"] for parts in (storage.volumes(of), storage.mounts(of))]
    return named[0], named[1]
