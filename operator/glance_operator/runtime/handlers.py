"""Why: kopf is our watch feed and nothing more; what it would write, time or remember by itself is switched off here.

Its session is ours: each request carries the current token, a watch that the server closes at once is not reopened
thousands of times a second, and trouble with the API server is said once instead of once an attempt.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import aiohttp
import kopf

from glance_operator.runtime.kube import Connection, Resource
from glance_operator.runtime.store import Body

log = logging.getLogger(__name__)
_SHORT_WATCH = 1.0
_LONGEST_PAUSE = 5.0
_NOTHING = "metadata.name=no.object..has.this.name"  # two dots in a row: no name may have them
_SILENCE = 15.0  # a connection that died unnoticed says nothing either: a quiet watch is asked for anew so often
_PATIENCE = 20.0  # for a list


class Hooks(NamedTuple):
    """What the feed calls.

    receive(type, body): every event. listed(): a watch begins, and tells nothing of what there was before.
    connect(reload): where the API server is and who we are; reload after the credentials were refused.
    """

    receive: Callable[[str | None, Body], None]
    listed: Callable[[], None]
    connect: Callable[[bool], Connection]


async def watch(resources: Iterable[Resource], namespaces: Sequence[str], timeout: int, hooks: Hooks) -> None:
    """Watch until cancelled; ends with an exception where kopf gives up. timeout: seconds a watch may last."""
    registry = kopf.OperatorRegistry()
    for resource in resources:
        _listen(registry, resource, hooks)
    login = _Login(hooks)
    kopf.on.login(registry=registry)(login.session)
    scope: dict[str, Any] = {"clusterwide": not namespaces, "namespaces": namespaces, "standalone": True}
    tasks = await kopf.spawn_tasks(registry=registry, settings=_settings(timeout), **scope)
    try:
        await _first_end(tasks)
    finally:
        await login.close()


async def _first_end(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Until one of kopf's tasks ends, and with its error. kopf's own way to wait takes 5 s to bury the others."""
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=0.5)
    for task in done:
        task.result()


def _listen(registry: kopf.OperatorRegistry, resource: Resource, hooks: Hooks) -> None:
    @kopf.on.event(resource.group, resource.version, resource.plural, registry=registry)
    async def remember(event: Any, **_: Any) -> None:
        hooks.receive(event["type"], dict(event["object"]))


def _settings(timeout: int) -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.watching.chunk_size = 500
    settings.watching.server_timeout = int(timeout * random.uniform(0.9, 1.0))  # noqa: S311
    settings.watching.client_timeout = timeout + 30
    settings.watching.reconnect_backoff = 0.5
    settings.queueing.idle_timeout = 0.2  # a worker per object lives so long: the memory of ten thousand of them
    settings.watching.inactivity_timeout = _SILENCE
    settings.networking.request_timeout = _PATIENCE
    settings.networking.connect_timeout = 5
    settings.networking.error_backoffs = _Forever()
    settings.persistence.finalizer = (
        "kopf.invalid/unused"  # kopf removes the finalizer of this name wherever it sees it
    )
    settings.persistence.diffbase_storage = _NoDiff()
    settings.persistence.progress_storage = _NoProgress()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.process.ultimate_exiting_timeout = None
    return settings


class _Forever:
    """Back-offs without end: kopf ends the operator when they are used up."""

    def __iter__(self) -> Iterator[float]:
        seconds = 0.5
        while True:
            yield seconds * random.uniform(0.8, 1.2)  # noqa: S311
            seconds = min(_LONGEST_PAUSE, seconds * 2)


class _NoDiff(kopf.DiffBaseStorage):
    def build(self, **_: Any) -> Any:
        return {}

    def fetch(self, **_: Any) -> Any:
        return {}

    def store(self, **_: Any) -> None: ...


class _NoProgress(kopf.ProgressStorage):
    def fetch(self, **_: Any) -> Any:
        return None

    def store(self, **_: Any) -> None: ...

    def purge(self, **_: Any) -> None: ...

    def touch(self, **_: Any) -> None: ...

    def clear(self, *, essence: Any) -> Any:
        return essence


class _Login:
    """Gives kopf a session of ours; called again when the credentials were refused."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._refused = _Pause()
        self._sessions: list[aiohttp.ClientSession] = []

    async def session(self, **_: Any) -> kopf.AiohttpSession:
        """Its connections are not bounded: there is one per watch, and kopf asks for nothing else."""
        await asyncio.sleep(self._refused.next())
        connection = self._hooks.connect(self._refused.many > 1)
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=_tls(connection)),
            middlewares=(_Manners(self._hooks),),
        )
        self._sessions.append(session)
        return kopf.AiohttpSession(server=connection.server, aiohttp_session=session)

    async def close(self) -> None:
        """kopf closes them only when it ends in peace."""
        for session in self._sessions:
            await session.close()


class _Pause:
    """0 s, then 1 s, 2 s, 4 s … between things that come too often; forgets after a minute of quiet."""

    def __init__(self) -> None:
        self.many = 0
        self._last = -60.0

    def next(self) -> float:
        now = time.monotonic()
        self.many = 1 if now - self._last >= 60 else self.many + 1
        self._last = now
        return 0.0 if self.many == 1 else min(_LONGEST_PAUSE, 2.0 ** (self.many - 2))


class _Manners:
    """An aiohttp middleware: fresh token, paced watches, lists of nothing; one line a change, not one an attempt."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._ended: dict[str, float] = {}
        self._short: dict[str, int] = {}
        self._troubles: dict[str, str] = {}

    async def __call__(self, request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        path, query = request.url.path, request.url.query
        if query.get("watch"):
            await self._pace(path)
        elif "limit" in query:  # all that kopf needs of its list is from where to watch; the rest is the sweep's
            request.url = request.url.update_query(fieldSelector=_NOTHING)
        try:
            response = await self._authorized(request, send, False)
            if response.status == 401:  # renewed meanwhile; were kopf told, it would close every watch
                response.release()
                response = await self._authorized(request, send, True)
        except (aiohttp.ClientError, TimeoutError) as error:
            self._note(path, str(error) or type(error).__name__)
            raise
        self._note(path, f"HTTP {response.status}" if response.status >= 400 else "")
        if "limit" in query and response.status == 200:
            self._hooks.listed()
        return response

    async def _authorized(
        self, request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType, reload: bool
    ) -> aiohttp.ClientResponse:
        if authorization := self._hooks.connect(reload).authorization:
            request.headers["Authorization"] = authorization
        return await send(request)

    async def _pace(self, path: str) -> None:
        """Watches that follow each other within a second are started ever more slowly."""
        now = time.monotonic()
        short = now - self._ended.get(path, -60.0) < _SHORT_WATCH
        self._short[path] = self._short.get(path, 0) + 1 if short else 0
        pause = min(_LONGEST_PAUSE, 0.25 * 2.0 ** min(self._short[path], 8)) if short else 0.0
        await asyncio.sleep(pause)
        self._ended[path] = time.monotonic()

    def _note(self, path: str, trouble: str) -> None:
        if trouble and not self._troubles.get(path):
            log.warning("cannot watch %s: %s; trying on", path, trouble)
        elif not trouble and self._troubles.get(path):
            log.info("watching %s again", path)
        self._troubles[path] = trouble


def _tls(connection: Connection) -> ssl.SSLContext | bool:
    if not connection.server.startswith("https:"):
        return True
    context = ssl.create_default_context(cafile=connection.ca_path)
    if connection.certificate_path:
        context.load_cert_chain(connection.certificate_path, connection.key_path)
    if connection.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
