"""Why: what an administrator may choose is read from the environment and checked once, and never changes after."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from glance_operator.core.manifests.transfer_pod import TransferPod

PREFIX = "GLANCE_OPERATOR_"
_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_DURATION = re.compile(r"^(\d+(?:\.\d+)?)(ms|s|m|h)?$")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}
_NAMESPACE = re.compile(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
_WORDS = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}


class SettingsError(ValueError):
    """A setting has a value that cannot be used; the text names the variable, the value and what is allowed."""


def _pod_namespace() -> str:
    return _POD_NAMESPACE.read_text().strip() if _POD_NAMESPACE.is_file() else "default"


def _identity() -> str:
    return f"{socket.gethostname()}_{uuid.uuid4().hex[:8]}"


def _health_address() -> str:
    """The kubelet probes a pod on its own address; outside a pod nobody but this machine needs to ask."""
    return "0.0.0.0" if _POD_NAMESPACE.is_file() else "127.0.0.1"  # noqa: S104


def _number(default: float, low: float, high: float) -> Any:
    return field(default=default, metadata={"low": low, "high": high})


def _choice(default: str, *words: str) -> Any:
    return field(default=default, metadata={"words": words})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings; each is read from GLANCE_OPERATOR_<NAME IN CAPITALS>. Durations: seconds, or with ms, s, m, h.

    watch_namespaces: comma-separated namespaces to serve; empty = all.
    workers: passes at the same time.
    leader_elect: whether replicas agree by a Lease on the one that acts; off = this process always acts.
    lease_namespace, lease_name, identity: where that Lease is (default: the pod's namespace) and who we are in it.
    lease_duration, renew_deadline, renew_interval, standby_interval: a standby takes over when the Lease was not
        renewed for lease_duration; a leader stops writing when it could not renew for renew_deadline; the leader
        renews, a standby looks, at these intervals.
    health_address, health_port: where /healthz, /readyz and /metrics are served; port 0 = a free one (logged).
    log_format: text or json.  log_level: debug, info, warning or error.
    glance_image: container image of Glance where a GlanceAPI names none; empty = each must name one.
    transfer_image: container image of this operator, for the Jobs that transfer images; empty = none can be started.
    transfer_pod: what else is said of their pods, as JSON: see `core.manifests.transfer_pod`.
    imports_per_cloud: imports in flight per cloud.
    source_networks: comma-separated networks (CIDR) where a source is asked for its first bytes although they are not
        public.
    cluster_id: by which images of this cluster are known as its own; empty = the uid of its namespace kube-system.
    show_after: a state that is only passing (Queued, Downloading, …) is written when it has lasted so long; the next
        such write of the same object waits twice as long, up to 10 s.
    retry_base: time before the second attempt at an import; it doubles with each further one, up to 10 minutes.
    probe_interval: how old the figures of a store on a file system may be before it is proven again.
    lost_grace: a deleted Image whose credentials do not exist any more is let go, image or not, after this time.
    resync: an object at rest is looked at again within this time, spread evenly.
    sweep_interval: how often the caches are compared with a list from the API server.
    sweep_grace: how long the feed may lag behind such a list before what it missed is fetched.
    watch_timeout: the API server is asked to end a watch after this time.
    stuck_after: a pass older than this makes /healthz fail.
    shutdown_grace: how long running passes are waited for at the end.
    """

    watch_namespaces: tuple[str, ...] = ()
    workers: int = _number(8, 1, 256)
    leader_elect: bool = True
    lease_namespace: str = field(default_factory=_pod_namespace)
    lease_name: str = "glance-operator"
    identity: str = field(default_factory=_identity)
    lease_duration: float = _number(15.0, 0.5, 600)
    renew_deadline: float = _number(10.0, 0.3, 600)
    renew_interval: float = _number(3.0, 0.05, 600)
    standby_interval: float = _number(1.0, 0.05, 600)
    health_address: str = field(default_factory=_health_address)
    health_port: int = _number(8080, 0, 65535)
    log_format: str = _choice("text", "text", "json")
    log_level: str = _choice("info", "debug", "info", "warning", "error")
    glance_image: str = ""
    transfer_image: str = ""
    transfer_pod: TransferPod = field(default_factory=TransferPod)
    imports_per_cloud: int = _number(4, 1, 1000)
    source_networks: tuple[str, ...] = ()
    cluster_id: str = ""
    show_after: float = _number(2.0, 0.01, 60)
    retry_base: float = _number(5.0, 0.01, 600)
    probe_interval: float = _number(21600.0, 1, 30 * 86400)
    lost_grace: float = _number(300.0, 0, 86400)
    resync: float = _number(3600.0, 1, 7 * 86400)
    sweep_interval: float = _number(600.0, 0.5, 86400)
    sweep_grace: float = _number(5.0, 0, 600)
    watch_timeout: int = _number(290, 1, 3600)
    stuck_after: float = _number(900.0, 1, 86400)
    shutdown_grace: float = _number(10.0, 0, 600)

    def __post_init__(self) -> None:
        for namespace in (*self.watch_namespaces, self.lease_namespace):
            if not _NAMESPACE.match(namespace):
                raise SettingsError(
                    f"{namespace!r} is not the name of a namespace (a-z, 0-9 and -, at most 63 characters)"
                )
        for network in self.source_networks:
            _check_network(network)
        if not self.renew_interval < self.renew_deadline < self.lease_duration:
            raise SettingsError(
                f"{PREFIX}RENEW_INTERVAL ({self.renew_interval:g}) < {PREFIX}RENEW_DEADLINE ({self.renew_deadline:g}) "
                f"< {PREFIX}LEASE_DURATION ({self.lease_duration:g}) must hold, or two leaders could act at once"
            )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Raises SettingsError for the first value that cannot be used. An empty variable counts as absent."""
        given = {f: environ.get(PREFIX + f.name.upper(), "").strip() for f in fields(cls)}
        return cls(**{f.name: _parse(f.name, str(f.type), f.metadata, text) for f, text in given.items() if text})


def _parse(name: str, kind: str, bounds: Mapping[str, Any], text: str) -> Any:
    try:
        value = _PARSERS[kind](text)
    except (ValueError, KeyError) as error:
        shown = "" if kind in _UNSHOWN else f"={text!r}"
        raise SettingsError(f"{PREFIX}{name.upper()}{shown} is not {_KINDS[kind]}") from (error if shown else None)
    if "low" in bounds and not bounds["low"] <= value <= bounds["high"]:
        raise SettingsError(f"{PREFIX}{name.upper()}={text!r} is not within {bounds['low']:g} and {bounds['high']:g}")
    if "words" in bounds and value not in bounds["words"]:
        raise SettingsError(f"{PREFIX}{name.upper()}={text!r} is none of {', '.join(bounds['words'])}")
    return value


def _check_network(text: str) -> None:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise SettingsError(f"{text!r} is not a network such as 10.20.0.0/16 or fd00::/8") from error


def _duration(text: str) -> float:
    if not (match := _DURATION.match(text)):
        raise ValueError(text)
    return float(match[1]) * _UNITS[match[2]]


def _names(text: str) -> tuple[str, ...]:
    return tuple(sorted({name.strip() for name in text.split(",") if name.strip()}))


_PARSERS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "int": int,
    "bool": lambda text: _WORDS[text.lower()],
    "float": _duration,
    "tuple[str, ...]": _names,
    "TransferPod": TransferPod.model_validate_json,
}
_UNSHOWN = ("TransferPod",)  # a proxy's address may name a password
_KINDS = {
    "str": "a text",
    "int": "a whole number",
    "bool": "true or false",
    "float": "a duration such as 90s, 10m or 1h",
    "tuple[str, ...]": "a comma-separated list",
    "TransferPod": 'JSON about a pod such as {"annotations": {"a": "b"}, "env": {"HTTPS_PROXY": "http://proxy:3128"}}',
}
