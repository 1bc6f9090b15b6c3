"""Work that is done once or regularly, beside the service: proofs, the database's schema, its cleaning."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import resources

from glance_operator.api.glanceapi.images import Housekeeping, Metadefs, Purge
from glance_operator.api.glanceapi.pod import Pod
from glance_operator.core.config import digest
from glance_operator.core.manifests import pods, storage
from glance_operator.core.manifests.plan import Blueprint, Object, given, labels, owned

ROWS = 1000  # at a time, so that no transaction holds up the service
PURGE_SECONDS = 3600
ATTEMPTS = 10  # the database may come up later than we do
# Of a migration: before the first pod with the new code starts, and after the last one with the old code is gone.
PHASES = {"prepare": ("expand", "migrate"), "contract": ("contract",)}
METADEFS = "metadefs"  # the phase that loads Glance's own metadata definitions
OUTDATED = (3, 4)  # exit codes of `db check`: to be expanded, to be migrated; what waits for a contraction suits
PREFLIGHT, DATABASE, PROBE, HOUSEKEEPING = "preflight", "database", "probe", "housekeeping"
OURS = (PREFLIGHT, DATABASE)  # components of the jobs that belong to one configuration or image
VOLUMES = {PREFLIGHT: ("database", "store-"), PROBE: ("store-",)}  # how the names of those begin that a job opens
PROOF_SECONDS = 600
REFUSED = 42  # exit code of a job whose outcome only another configuration can change


def manage(*words: str) -> str:
    """A command line of glance-manage."""
    return " ".join(["glance-manage", "--config-file", "$OS_GLANCE_CONFIG_DIR/glance-api.conf", *words])


def schema_of(connection: str) -> str:
    """The connection without its password: another one is no other database."""
    return connection.rpartition("@")[2]


def schema_job(api: str, phase: str, image: str, schema: str) -> str:
    """Name of a job of the GlanceAPI `api`. It tells image and database, so that each phase is done once for both."""
    return f"{api}-db-{phase}-{digest({'image': image, 'schema': schema})}"


def database_name(of: Blueprint, phase: str) -> str:
    return schema_job(of.name, phase, of.image, of.schema)


def preflight_name(of: Blueprint) -> str:
    """It tells all that Glance reads: its environment has options, too, and files may lie on the user's volumes."""
    own = (of.spec.pod or Pod()).model_dump_json(include={"env", "volumes", "volume_mounts"}, exclude_none=True)
    return f"{of.name}-preflight-{digest({'image': of.image, 'config': of.config, 'pod': own})}"


def database_job(of: Blueprint, phase: str) -> Object:
    """One of the PHASES of a migration."""
    revision = f"{manage('db', 'version')} > /dev/termination-log"  # what the operator reads
    lines = [*(manage("db", word) for word in PHASES[phase]), revision]
    return _job(of, database_name(of, phase), DATABASE, ["/bin/sh", "-ec", "\n".join(lines)])


def check_job(of: Blueprint, since: str) -> Object:
    """Does the schema, which somebody else changes, suit this image? For PostgreSQL Glance cannot tell: that is a yes.

    since: what may have changed the answer; with another one it is asked anew.
    """
    lines = [
        f"{manage('db', 'version')} > /dev/null",  # ends here where the database does not answer
        f"said=$({manage('db', 'check')}) || case $? in {'|'.join(map(str, OUTDATED))})",
        'echo "$said" > /dev/termination-log; exit 1;; esac',
    ]
    name = f"{of.name}-db-check-{digest({'image': of.image, 'schema': of.schema, 'since': since})}"
    job = _job(of, name, DATABASE, ["/bin/sh", "-ec", "\n".join(lines)])
    job["spec"]["backoffLimit"] = 0
    return job


def metadefs_job(of: Blueprint) -> Object:
    """Glance's own definitions, from its container image. Glance itself takes it for a success that there are none."""
    path = of.places.metadefs
    lines = [f"ls {path}/*.json > /dev/null || exit {REFUSED}", manage("db", "load_metadefs", "--path", path)]
    return _refusable(_job(of, database_name(of, METADEFS), DATABASE, ["/bin/sh", "-ec", "\n".join(lines)]))


def preflight_job(of: Blueprint) -> Object:
    """Glance itself reads the configuration, opens the stores, and asks database and Keystone."""
    job = _job(of, preflight_name(of), PREFLIGHT, [of.places.python, "-c", _script(PREFLIGHT)])
    job["spec"]["activeDeadlineSeconds"] = PROOF_SECONDS
    return _refusable(job)


def probe_job(of: Blueprint) -> Object:
    """The driver of the blueprint's one store writes, reads and removes an object; named as its configuration."""
    job = _job(of, of.config, PROBE, [of.places.python, "-c", _script(PROBE)])
    job["spec"] |= {"activeDeadlineSeconds": PROOF_SECONDS, "backoffLimit": 1}
    return job


@cache
def _script(name: str) -> str:
    return resources.files(__package__).joinpath(f"scripts/{name}.py").read_text()


def names(of: Blueprint) -> set[str]:
    """Of every job of this configuration and this image."""
    return {preflight_name(of), *(database_name(of, phase) for phase in phases(of))}


def phases(of: Blueprint) -> list[str]:
    """What is done about the database's content: nothing where another GlanceAPI does it."""
    if not of.spec.database.manage_schema:
        return []
    return [*PHASES, METADEFS] if (of.spec.metadefs or Metadefs()).defaults else [*PHASES]


def purge(of: Blueprint) -> Object | None:
    """The CronJob that removes the records of deleted images; none where another GlanceAPI does it."""
    if not of.spec.database.manage_schema:
        return None
    wanted = (of.spec.housekeeping or Housekeeping()).purge or Purge()
    limits = ("--age_in_days", str(wanted.retention_days), "--max_rows", str(ROWS))
    lines = [manage("db", "purge", *limits)]
    if wanted.purge_images:
        lines.append(manage("db", "purge_images_table", *limits))
    command = ["/bin/sh", "-ec", "\n".join(lines)]
    spec = {
        "schedule": wanted.schedule,
        "concurrencyPolicy": "Forbid",
        "suspend": of.spec.suspend,
        "jobTemplate": {
            "metadata": {"labels": labels(of, HOUSEKEEPING)},  # by which its jobs are found
            "spec": {**_work(of, HOUSEKEEPING, command, 1), "activeDeadlineSeconds": PURGE_SECONDS},
        },
    }
    return owned(of, "CronJob", "batch/v1", f"{of.name}-purge", HOUSEKEEPING, spec=spec)


def _refusable(job: Object) -> Object:
    """What is wrong with a file does not get better: only what may come up later is tried again."""
    refusal = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [REFUSED]}}
    job["spec"]["podFailurePolicy"] = {"rules": [refusal]}
    return job


def _job(of: Blueprint, name: str, component: str, command: list[str]) -> Object:
    return owned(of, "Job", "batch/v1", name, component, spec=_work(of, component, command, ATTEMPTS))


def _work(of: Blueprint, component: str, command: list[str], attempts: int) -> Object:
    wanted = of.spec.pod or Pod()
    container = given(
        {
            "name": component,
            "image": of.image,
            "imagePullPolicy": of.spec.image_pull_policy,
            "command": command,
            "env": [
                {"name": "OS_GLANCE_CONFIG_DIR", "value": of.places.etc},
                *pods.certificates(of),
                *pods.named(wanted.env),
            ],
            "securityContext": pods.CONFINED,
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "volumeMounts": [
                *pods.config_mounts(of),
                *_needed(storage.mounts(of), component),
                *pods.named(wanted.volume_mounts),
            ],
        }
    )
    spec = {
        **pods.shared(of, wanted),
        "restartPolicy": "Never",
        "containers": [container],
        "volumes": [
            *pods.config_volumes(of),
            *_needed(storage.volumes(of), component),
            *pods.named(wanted.volumes),
        ],
    }
    return {"backoffLimit": attempts, "template": {"metadata": {"labels": labels(of, component)}, "spec": spec}}


def _needed(parts: Iterable[Object], component: str) -> list[Object]:
    """Of the service's volumes. A store is proven before there is a claim for a trial's database."""
    return [one for one in parts if one["name"].startswith(VOLUMES.get(component, ("database",)))]
