"""Which cloud an Image speaks of: one client, one token, one set of slots per set of credentials."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from glance_operator.core.image.identity import CLUSTER
from glance_operator.core.image.observed import Cause, Service
from glance_operator.core.plan import Phase, State
from glance_operator.runtime.credentials import Credentials, CredentialsReader, ca_file
from glance_operator.runtime.errors import Unavailable
from glance_operator.runtime.gate import Gate
from glance_operator.runtime.glance import Endpoint, Glance
from glance_operator.runtime.looks import Looks
from glance_operator.runtime.slots import Slots
from glance_operator.runtime.store import Key

_SERVICE_FOR = 60.0  # seconds for which stores and methods are taken as known


class Telemetry(Protocol):
    """What clouds tell the metrics."""

    def glance_request(self, cloud: str, method: str, code: str) -> None: ...
    def cloud_up(self, cloud: str, up: bool) -> None: ...
    def cloud_gone(self, cloud: str) -> None: ...


class Cloud:
    """One image service with one set of credentials, and what is shared by all its Images. Thread-safe."""

    def __init__(self, name: str, glance: Glance, gate: Gate, slots: Slots, looks: Looks) -> None:
        self.name, self.glance, self.gate, self.slots, self.looks = name, glance, gate, slots, looks
        self._lock = threading.Lock()
        self._service: tuple[float, Service] | None = None

    def service(self, max_age: float = _SERVICE_FOR) -> Service:
        """Stores and import methods, asked for at most once in ``max_age`` seconds."""
        with self._lock:
            now = time.monotonic()
            if self._service is None or now - self._service[0] > max_age:
                self._service = (now, self.glance.service())
            return self._service[1]

    def forget_service(self) -> None:
        """It is no longer what it was: ask at the next look."""
        with self._lock:
            self._service = None


class Clouds:
    """All clouds in use, by their credentials: the same credentials in two namespaces are one cloud. Thread-safe."""

    def __init__(
        self,
        reader: CredentialsReader,
        *,
        cluster: Callable[[], str],
        telemetry: Telemetry,
        fence: Callable[[], None],
        wake: Callable[[Key], None],
        imports: int,
    ) -> None:
        """``cluster``: answers this cluster's id. ``fence``: raises if this process may not write. ``wake``: called
        with a key that was given a slot. ``imports``: how many may be in flight per cloud."""
        self._reader, self._cluster, self._telemetry = reader, cluster, telemetry
        self._fence, self._wake, self._imports = fence, wake, imports
        self._lock = threading.Lock()
        self._clouds: dict[str, Cloud] = {}
        self._current: dict[tuple[str, str, str], str] = {}

    def find(self, namespace: str, secret: str, cloud: str, *, fresh: bool = False) -> Cloud:
        """The cloud that this entry of the Secret names; ``fresh`` reads the Secret again and, if
        the cloud was down, lets one caller try it now.

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
                self._forget(namespace, secret)
            raise

    def _forget(self, namespace: str, secret: str) -> None:
        """Of a cloud without credentials nothing more will be heard."""
        with self._lock:
            self._current = {
                where: digest for where, digest in self._current.items() if where[:2] != (namespace, secret)
            }
            self._drop_unused()

    def _known(self, where: tuple[str, str, str], credentials: Credentials) -> Cloud:
        with self._lock:
            if credentials.digest not in self._clouds:
                self._clouds[credentials.digest] = self._made("/".join(where), credentials)
            self._current[where] = credentials.digest
            self._drop_unused()
            return self._clouds[credentials.digest]

    def all(self) -> list[Cloud]:
        with self._lock:
            return list(self._clouds.values())

    def _drop_unused(self) -> None:
        for digest in self._clouds.keys() - set(self._current.values()):
            name = self._clouds.pop(digest).name  # passes that run still hold it
            if name not in {cloud.name for cloud in self._clouds.values()}:
                self._telemetry.cloud_gone(name)

    def _tell(self, digest: str, name: str, up: bool) -> None:
        with self._lock:
            if digest in self._clouds:  # a pass that still runs must not bring back the figure of one that is gone
                self._telemetry.cloud_up(name, up)

    def _made(self, name: str, credentials: Credentials) -> Cloud:
        try:
            endpoint = Endpoint(credentials.settings, ca_file(credentials.ca))
        except ValueError as error:
            message = f"{name}: the clouds.yaml entry cannot be used: {error}"
            raise Unavailable(State(Phase.WORKING, "CredentialsInvalid", message), Cause.INVALID) from error
        gate = Gate(lambda up: self._tell(credentials.digest, name, up))
        glance = Glance(
            name,
            endpoint,
            gate,
            self._fence,
            lambda method, code: self._telemetry.glance_request(name, method, code),
        )
        return Cloud(name, glance, gate, Slots(self._imports, self._wake), Looks(glance, {CLUSTER: self._cluster()}))
