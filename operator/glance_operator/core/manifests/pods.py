"""The pods: restricted, with a read-only root, and in no hurry when they have to end."""

from __future__ import annotations

from typing import Any

from glance_operator.api.base import seconds
from glance_operator.api.glanceapi.pod import Pod, Probes
from glance_operator.core.config.server import PORT
from glance_operator.core.manifests import storage
from glance_operator.core.manifests.plan import EPOCH, PORT_NAME, Blueprint, Object, given, labels, selector

UID = 42415
CONTAINER = "glance-api"
WAYS = frozenset({"exec", "grpc", "httpGet", "tcpSocket"})  # in which a probe asks
LEAVING = 5  # seconds in which everybody learns that a pod is going, before it stops to listen
CONFINED: Object = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
CONFINED_POD: Object = {
    "runAsNonRoot": True,
    "runAsUser": UID,
    "runAsGroup": UID,
    "fsGroup": UID,
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}


def template(of: Blueprint) -> Object:
    """The StatefulSet's template."""
    wanted = of.spec.pod or Pod()
    notes = {**(wanted.annotations or {}), **({EPOCH: of.epoch} if of.epoch else {})}
    meta = given({"labels": {**(wanted.labels or {}), **labels(of)}, "annotations": notes or None})
    return {"metadata": meta, "spec": _spec(of, wanted)}


def shared(of: Blueprint, wanted: Pod) -> Object:
    """What the pods of jobs have in common with those of the service."""
    return given(
        {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "serviceAccountName": None if of.owner else of.name,  # a store is proven before its service has one
            "securityContext": {**CONFINED_POD, **(wanted.security_context or {})},
            "nodeSelector": wanted.node_selector,
            "tolerations": _list(wanted.tolerations),
            "priorityClassName": wanted.priority_class_name,
            "runtimeClassName": wanted.runtime_class_name,
            "imagePullSecrets": _refs(of),
        }
    )


def config_volumes(of: Blueprint) -> list[Object]:
    """The files below /etc/glance, the policy, and room for what only a process writes. A probe serves nobody."""
    secrets = {"config": of.config, **({} if of.owner else {"policy": of.policy})}
    found: list[Object] = [
        {"name": name, "secret": {"secretName": secret, "defaultMode": 0o440}} for name, secret in secrets.items()
    ]
    memory = {"medium": "Memory", "sizeLimit": "2Mi"}
    return [
        *found,
        {"name": "work", "emptyDir": {}},
        {"name": "run", "emptyDir": memory},
        {"name": "tmp", "emptyDir": {}},
    ]


def config_mounts(of: Blueprint) -> list[Object]:
    places = of.places
    paths = {"config": places.etc, **({} if of.owner else {"policy": places.policy.rpartition("/")[0]})}
    found: list[Object] = [{"name": name, "mountPath": path, "readOnly": True} for name, path in paths.items()]
    own = {"work": places.work, "run": places.run, "tmp": "/tmp"}  # noqa: S108  # of the pod alone
    return found + [{"name": name, "mountPath": path} for name, path in own.items()]


def _spec(of: Blueprint, wanted: Pod) -> Object:
    pod = {
        **shared(of, wanted),
        "terminationGracePeriodSeconds": int(seconds(of.spec.drain_timeout)) + LEAVING,
        "affinity": wanted.affinity,
        "topologySpreadConstraints": _list(wanted.topology_spread_constraints) or _spread(of),
        "containers": [_container(of, wanted), *named(wanted.containers)],
        "volumes": [*config_volumes(of), *storage.volumes(of), *named(wanted.volumes)],
    }
    return given(pod)


def _container(of: Blueprint, wanted: Pod) -> Object:
    down = f"{of.places.run}/healthcheck_disable"
    clean = f"rm -f {down} {of.places.run}/stats.sock"
    begin = "; ".join([clean, *_gather(of), f"exec uwsgi --ini {of.places.etc}/uwsgi.ini"])
    leave = f"touch {down}; sleep {LEAVING}"
    return given(
        {
            "name": CONTAINER,
            "image": of.image,
            "imagePullPolicy": of.spec.image_pull_policy,
            # The file outlives the container, and with it the pod would stay out of service.
            "command": ["/bin/sh", "-c", begin],
            "env": [*_environment(of), *named(wanted.env)],
            "ports": [{"name": PORT_NAME, "containerPort": PORT}],
            "resources": wanted.resources,
            "securityContext": CONFINED,
            "volumeMounts": [*config_mounts(of), *storage.mounts(of), *named(wanted.volume_mounts)],
            "lifecycle": {"preStop": {"exec": {"command": ["/bin/sh", "-c", leave]}}},
            **_probes(of, wanted.probes or Probes()),
        }
    )


def _environment(of: Blueprint) -> list[Object]:
    return [
        {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "OS_GLANCE_CONFIG_DIR", "value": of.places.etc},
        *_address(of),
        *([{"name": "REQUESTS_CA_BUNDLE", "value": of.places.authorities}] if _authorities(of) else []),
    ]


def _authorities(of: Blueprint) -> list[str]:
    """Files with those of the user."""
    keystone = of.spec.auth.keystone
    theirs = {"keystone": keystone and keystone.ca_bundle_ref, "tls": of.spec.tls}
    return [f"{of.places.etc}/{whose}.ca.crt" for whose, given in theirs.items() if given]


def _gather(of: Blueprint) -> list[str]:
    """Python's clients take one file, in place of the public authorities: so these are in it, too."""
    if not (theirs := _authorities(of)):
        return []
    return [f'cat "$({of.places.python} -m certifi)" {" ".join(theirs)} > {of.places.authorities}']


def _address(of: Blueprint) -> list[Object]:
    """The pod's own: caches are told apart by it, and others send it requests for what it alone has staged.

    What all share must not wait for one of them; and with `trusted` such a request would bring nobody's name along.
    """
    if not of.spec.cache and (storage.shared(of) or not of.spec.auth.keystone):
        return []
    host = f"$(POD_NAME).{of.pods}.{of.namespace}.svc.{of.domain}"
    return [{"name": "OS_DEFAULT__WORKER_SELF_REFERENCE_URL", "value": f"{of.scheme}://{host}:{PORT}"}]


def certificates(of: Blueprint) -> list[Object]:
    """What the clients of a job trust."""
    keystone = of.spec.auth.keystone
    if keystone and keystone.ca_bundle_ref:
        return [{"name": "REQUESTS_CA_BUNDLE", "value": f"{of.places.etc}/keystone.ca.crt"}]
    return []


def _probes(of: Blueprint, wanted: Probes) -> Object:
    """Health is asked of Glance; life of uWSGI's figures, which answer also while all threads are busy."""
    health = {"path": "/healthcheck", "port": PORT_NAME, "scheme": of.scheme.upper()}
    curl = [
        "curl",
        "-sf",
        "-m",
        "4",
        "-o",
        "/dev/null",
        "--unix-socket",
        f"{of.places.run}/stats.sock",
        "http://stats/",
    ]
    ours: dict[str, Any] = {
        "startupProbe": {"httpGet": health, "periodSeconds": 1, "timeoutSeconds": 2, "failureThreshold": 120},
        "readinessProbe": {"httpGet": health, "periodSeconds": 2, "timeoutSeconds": 2, "failureThreshold": 2},
        "livenessProbe": {"exec": {"command": curl}, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3},
    }
    return {name: _laid_over(probe, getattr(wanted, name.removesuffix("Probe"))) for name, probe in ours.items()}


def _laid_over(ours: Object, users: Object | None) -> Object:
    """A probe asks in one way: the user's, if there is one."""
    if users is None:
        return ours
    kept = {name: value for name, value in ours.items() if not (WAYS & users.keys() and name in WAYS)}
    return kept | users


def _spread(of: Blueprint) -> list[Object]:
    """Over zones and nodes, where there are several; a pod is never refused for it."""
    common = {"maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": selector(of)}}
    return [{"topologyKey": key, **common} for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")]


def _refs(of: Blueprint) -> list[Object] | None:
    return [{"name": ref.name} for ref in of.spec.image_pull_secrets] if of.spec.image_pull_secrets else None


def _list(values: tuple[Any, ...] | None) -> list[Any] | None:
    return list(values) if values else None


def named(values: tuple[Any, ...] | None) -> list[Object]:
    """Parts that are Kubernetes' own, as the user gave them."""
    return [value.model_dump(by_alias=True, exclude_none=True) for value in values or ()]
