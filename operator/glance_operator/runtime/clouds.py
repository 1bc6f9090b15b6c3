"""Which cloud an Image speaks of: one client, one token, one set of slots per set of credentials."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from glance_operator.core.image.identity import CLUSTER
from glance_operator.core.image.observed import Cause, Service
from glance_operator.core.plan import Phase, State
from glance_operator.runtime.apis import SERVICE, Reader
from glance_operator.runtime.caches import Lists
from glance_operator.runtime.credentials import Credentials, ca_file
from glance_operator.runtime.errors import Unavailable
from glance_operator.runtime.gate import Gate
from glance_operator.runtime.looks import Looks
from glance_operator.runtime.slots import Slots
from glance_operator.runtime.store import Key

if TYPE_CHECKING:
    from glance_operator.runtime.glance import Glance

_PREPARED = 2  # so many images are made before there is a slot for their import
_SERVICE_FOR = 60.0  # seconds for which stores and methods are taken as known
_POD_FOR = 600.0  # seconds for which a pod's client is kept that nobody asks for


class Telemetry(Protocol):
    """What clouds tell the metrics."""

    def glance_request(self, cloud: str, method: str, code: str) -> None: ...
    def cloud_up(self, cloud: str, up: bool) -> None: ...
    def cloud_gone(self, cloud: str) -> None: ...


class Cloud:
    """One image service with one set of credentials, and what is shared by all its Images. Thread-safe.

    ``name``: of one entry that leads here, as ``namespace/secret/cloud``; it changes when that one leads elsewhere.
    """

    def __init__(self, name: str, glance: Glance, gate: Gate, slots: Slots, looks: Looks) -> None:
        self.name, self.glance, self.gate, self.slots, self.looks = name, glance, gate, slots, looks
        self._lock = threading.Lock()
        self._service: tuple[float, Service] | None = None
        self.caches = Lists()
        self._pods_lock = threading.Lock()
        self._pods: dict[str, tuple[float, Glance]] = {}
        self.usual = 0.0  # seconds that an import took of late

    def took(self, seconds: float) -> None:
        """An import is over, so many seconds after it was begun."""
        self.usual += 0.3 * (seconds - self.usual)

    def at(self, url: str) -> Glance:
        """The same service at one of its pods; what is wrong with the pod is not held against the service."""
        with self._pods_lock:
            now = time.monotonic()
            self._pods = {one: kept for one, kept in self._pods.items() if now - kept[0] < _POD_FOR}
            glance = self._pods[url][1] if url in self._pods else self.glance.at(url)
            self._pods[url] = (now, glance)
            return glance

    def service(self, max_age: float = _SERVICE_FOR) -> Service:
        """Stores and import methods, asked for at most once in ``max_age`` seconds."""
        if found := self._known(max_age):
            return found
        with self.gate.crowd.inside(), self._lock:
            if found := self._known(max_age):  # somebody has asked meanwhile
                return found
            now, found = time.monotonic(), self.glance.service()
            self._service = (now, found)
            return found

    def _known(self, max_age: float) -> Service | None:
        known = self._service
        return known[1] if known and time.monotonic() - known[0] <= max_age else None

    def forget_service(self) -> None:
        """It is no longer what it was: ask at the next look."""
        with self._lock:  # an answer under way is forgotten, too
            self._service = None


class Clouds:
    """All clouds in use, by their credentials: the same credentials in two namespaces are one cloud. Thread-safe."""

    def __init__(
        self,
        reader: Reader,
        *,
        cluster: Callable[[], str],
        telemetry: Telemetry,
        fence: Callable[[], None],
        wake: Callable[[Key], None],
        imports: int,
        at_once: int,
    ) -> None:
        """``cluster``: answers this cluster's id. ``fence``: raises if this process may not write. ``wake``: called
        with a key that was given a slot. Per cloud, ``imports`` may be in flight and ``at_once`` passes wait for it."""
        self._reader, self._cluster, self._telemetry = reader, cluster, telemetry
        self._fence, self._wake, self._imports, self._at_once = fence, wake, imports, at_once
        self._lock = threading.Lock()
        self._clouds: dict[str, Cloud] = {}
        self._current: dict[tuple[str, str, str], str] = {}
        self._not_ready: set[tuple[str, str, str]] = set()

    def find(self, namespace: str, secret: str, cloud: str, *, fresh: bool = False) -> Cloud:
        """The cloud that this entry of the Secret names, or this GlanceAPI (secret: apis.SERVICE).

        ``fresh`` reads the Secret again, asks the service again what it offers and, if the cloud was down, lets one
        caller try it now.

        Raises Unavailable: what is wrong with the Secret.
        """
        if fresh:
            self._reader.reread_now(namespace, secret)
        credentials = self._credentials(namespace, secret, cloud)
        try:
            found = self._known((namespace, secret, cloud), credentials)
        except Unavailable:
            self._reader.reread_soon(namespace, secret)
            raise
        if fresh:
            found.forget_service()
        if fresh or self._has_come_up((namespace, secret, cloud)):
            found.gate.try_now()
        if found.gate.troubled():
            ca_file(credentials.ca)  # somebody may have cleaned up
            self._reader.reread_soon(namespace, secret)  # the cure may be another password
        return found

    def _credentials(self, namespace: str, secret: str, cloud: str) -> Credentials:
        try:
            return self._reader.read(namespace, secret, cloud)
        except Unavailable as error:
            if error.cause is Cause.MISSING:
                self._forget(namespace, secret, cloud)
            elif secret == SERVICE:
                self._not_ready.add((namespace, secret, cloud))
            raise

    def _has_come_up(self, where: tuple[str, str, str]) -> bool:
        """Once, after a service of ours was said not to serve: nobody has to wait for the end of a pause."""
        with self._lock:
            came = where in self._not_ready
            self._not_ready.discard(where)
            return came

    def _forget(self, namespace: str, secret: str, cloud: str) -> None:
        """Of a cloud without credentials nothing more will be heard, nor of others in the Secret that is gone."""
        gone = (namespace, secret, cloud) if secret == SERVICE else (namespace, secret)
        with self._lock:
            self._current = {where: digest for where, digest in self._current.items() if where[: len(gone)] != gone}
            self._not_ready.discard((namespace, secret, cloud))
            self._settle()

    def _known(self, where: tuple[str, str, str], credentials: Credentials) -> Cloud:
        digest = credentials.digest
        found = self._clouds.get(digest) or self._made("/".join(where), credentials)
        with self._lock:
            cloud = self._clouds.setdefault(digest, found)  # another thread may have been faster
            if self._current.get(where) != digest:
                self._current[where] = digest
                self._settle()
            return cloud

    def all(self) -> list[Cloud]:
        with self._lock:
            return list(self._clouds.values())

    def _settle(self) -> None:
        """Who has lost the entry that named him takes another's name, or is gone: no two have the same."""
        for digest, cloud in list(self._clouds.items()):
            names = ["/".join(where) for where, current in self._current.items() if current == digest]
            if cloud.name in names:
                continue
            self._telemetry.cloud_gone(cloud.name)
            if not names:
                del self._clouds[digest]  # passes that run still hold it
                continue
            cloud.name = names[0]
            if (up := cloud.gate.up()) is not None:
                self._telemetry.cloud_up(cloud.name, up)

    def _tell(self, digest: str, up: bool) -> None:
        with self._lock:
            if cloud := self._clouds.get(digest):  # a pass that still runs must not bring back one that is gone
                self._telemetry.cloud_up(cloud.name, up)

    def _made(self, name: str, credentials: Credentials) -> Cloud:
        # OpenStack's libraries take a third of a second, which a start with nothing to do does not need
        from glance_operator.runtime.endpoint import Endpoint  # noqa: PLC0415
        from glance_operator.runtime.glance import Glance  # noqa: PLC0415

        try:
            endpoint = Endpoint(credentials.settings, ca_file(credentials.ca))
        except ValueError as error:
            message = f"{name}: the clouds.yaml entry cannot be used: {error}"
            raise Unavailable(State(Phase.WORKING, "CredentialsInvalid", message), Cause.INVALID) from error
        gate = Gate(lambda up: self._tell(credentials.digest, up), at_once=self._at_once)
        glance = Glance(
            endpoint, gate, self._fence, lambda method, code: self._telemetry.glance_request(cloud.name, method, code)
        )
        looks = Looks(glance, {CLUSTER: self._cluster()})
        cloud = Cloud(name, glance, gate, Slots(self._imports, self._wake, _PREPARED), looks)
        return cloud
