"""Bad weather between an operator and a real API server: a proxy on loopback that answers wrongly when told to."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

import aiohttp
from aiohttp import web

from glance_operator.runtime.kube import Connection
from sandbox_kit.ports import free_port

T = TypeVar("T")
Answer = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
_KEPT = ("content-type", "accept", "user-agent")


@dataclass(frozen=True)
class Fault:
    """What is answered instead of what the API server would say; None from `answer` lets the request through.

    on: which requests: kinds (see kind_of), several by "+", or "all". limit: page size that lists are cut down to.
    refuse: no answer at all, the port is closed. ends: whether kopf gives up, so that the feed has to be started again.
    """

    name: str
    on: str = ""
    answer: Answer | None = None
    limit: int | None = None
    refuse: bool = False
    ends: bool = False

    def concerns(self, request: web.Request) -> bool:
        """Whether the request is among those that the fault is for."""
        return "all" in self.on or kind_of(request) in self.on.split("+")


def kind_of(request: web.Request) -> str:
    """Of our kinds watch, list, or patch; else lease (a write of one), write, or other."""
    ours = request.path.startswith("/apis/glance-operator.io/v1alpha1/")
    if request.method != "GET":
        leases = request.path.startswith("/apis/coordination.k8s.io/")
        return "patch" if ours and request.method == "PATCH" else "lease" if leases else "write"
    if ours and request.query.get("watch"):
        return "watch"
    return "list" if ours and "limit" in request.query else "other"


class Asked(NamedTuple):
    """One request: its kind, the HTTP method, the path, and when it came (seconds, monotonic)."""

    kind: str
    method: str
    path: str
    at: float


class Proxy:
    """Runs in a thread of its own. Since the last `begin`: what was `asked`, and how many the fault `hits`."""

    def __init__(self, upstream: Connection) -> None:
        self._upstream = upstream
        self._fault = Fault("none")
        self._streams: set[asyncio.Transport] = set()
        self._runner: web.AppRunner | None = None
        self._port = free_port()  # ours also while nobody listens there
        self.asked: list[Asked] = []
        self.hits = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where it listens; the same for its whole life."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Begin, in fair weather."""
        self._thread.start()
        self._do(self._connect())
        self._do(self._listen())

    def stop(self) -> None:
        """End."""
        self._do(self._deafen())
        self._do(self._session.close())
        self._do(self._bury())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def kubeconfig(self, path: Path) -> Path:
        """Write a kubeconfig that leads here."""
        path.write_text(
            f"""apiVersion: v1
kind: Config
clusters: [{{name: proxy, cluster: {{server: "{self.url}"}}}}]
users: [{{name: nobody, user: {{}}}}]
contexts: [{{name: proxy, context: {{cluster: proxy, user: nobody}}}}]
current-context: proxy
"""
        )
        return path

    def begin(self, fault: Fault) -> None:
        """The weather turns: open watches are cut, and from now on the fault holds."""
        self.asked, self.hits, self._fault = [], 0, fault
        self._do(self._deafen() if fault.refuse else self._cut())

    def end(self) -> None:
        """Fair weather again."""
        fault, self._fault = self._fault, Fault("none")
        if fault.refuse:
            self._do(self._listen())

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _connect(self) -> None:
        context = ssl.create_default_context(cafile=self._upstream.ca_path)
        context.load_cert_chain(self._upstream.certificate_path or "", self._upstream.key_path)
        self._session = aiohttp.ClientSession(
            self._upstream.server, connector=aiohttp.TCPConnector(ssl=context, limit=0), auto_decompress=False
        )

    async def _listen(self) -> None:
        app = web.Application(client_max_size=16 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await site.start()

    async def _deafen(self) -> None:
        await self._cut()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _bury(self) -> None:
        """Requests that nobody waits for any more."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _cut(self) -> None:
        for transport in list(self._streams):
            transport.abort()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(Asked(kind_of(request), request.method, request.path, time.monotonic()))
        fault = self._fault
        if fault.answer and fault.concerns(request):
            self.hits += 1
            wrong = await fault.answer(request)
            if wrong is not None:
                return wrong
        return await self._forward(request, fault.limit)

    async def _forward(self, request: web.Request, limit: int | None) -> web.StreamResponse:
        query = {**request.query, **({"limit": str(limit)} if limit and "limit" in request.query else {})}
        headers = {name: value for name, value in request.headers.items() if name.lower() in _KEPT}
        timeout = aiohttp.ClientTimeout(total=None)
        data = await request.read() or None
        headers["Accept-Encoding"] = "identity"
        async with self._session.request(
            request.method, request.path, params=query, data=data, headers=headers, timeout=timeout
        ) as answer:
            response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
            with contextlib.suppress(aiohttp.ClientConnectionResetError):  # the operator hung up, or we did
                await response.prepare(request)
                await self._stream(request, answer, response)
            return response

    async def _stream(self, request: web.Request, answer: aiohttp.ClientResponse, out: web.StreamResponse) -> None:
        transport = request.transport
        if transport is not None and kind_of(request) == "watch":
            self._streams.add(transport)
        try:
            async for chunk in answer.content.iter_any():
                await out.write(chunk)
        finally:
            if transport is not None:
                self._streams.discard(transport)
