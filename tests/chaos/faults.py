"""The faults: each way in which a watch feed was seen to end or to fall asleep, and those of everything else."""

from __future__ import annotations

import asyncio
import json

from aiohttp import web
from tests.chaos.proxy import Answer, Fault


def status(code: int, reason: str, **headers: str) -> Answer:
    """An error answer as the API server gives it."""

    async def answer(_: web.Request) -> web.StreamResponse:
        body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code}
        return web.json_response({**body, "message": f"injected: {reason}"}, status=code, headers=headers)

    return answer


async def not_found(_: web.Request) -> web.StreamResponse:
    """What a front end says that does not know where the API server is; it says nothing about objects."""
    return web.Response(status=404, text="404 page not found\n")


def stream(*lines: str) -> Answer:
    """A watch that says these lines and ends."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body="".join(lines).encode(), content_type="application/json")

    return answer


def error_event(code: int, reason: str) -> str:
    """An ERROR in the stream."""
    told = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code}
    return json.dumps({"type": "ERROR", "object": {**told, "message": f"injected: {reason}"}}) + "\n"


def event(kind: str) -> str:
    """A line of a watch that brings no object."""
    return json.dumps({"type": kind, "object": {}}) + "\n"


async def reset(request: web.Request) -> web.StreamResponse:
    """The connection is cut instead of an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def silence(_: web.Request) -> web.StreamResponse:
    """The request is accepted and never answered, not even when the fault is over."""
    await asyncio.Event().wait()
    return web.Response()


async def silent_stream(request: web.Request) -> web.StreamResponse:
    """A watch that begins and then says nothing any more, as if its connection had died."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    return await silence(request)


def once(answer: Answer) -> Answer:
    """Only the first time; then everything goes through."""
    used: list[bool] = []

    async def first(request: web.Request) -> web.StreamResponse | None:
        if used:
            return None
        used.append(True)
        return await answer(request)

    return first


def listing(answer: Answer, page: bool = False) -> Answer:
    """Watches are told to list again; then the list (page: only its second page) is answered so."""
    expired = stream(error_event(410, "Expired"))

    async def either(request: web.Request) -> web.StreamResponse | None:
        if request.query.get("watch"):
            return await expired(request)
        return await answer(request) if "continue" in request.query or not page else None

    return either


ERROR_500, FORBIDDEN = status(500, "InternalError"), status(403, "Forbidden")
EXPIRED, UNAUTHORIZED = status(410, "Expired"), status(401, "Unauthorized")
TOO_MANY = status(429, "TooManyRequests", **{"Retry-After": "1"})

READS = [
    Fault("watch answered with 500", "watch", ERROR_500),
    Fault("watch answered with 403", "watch", FORBIDDEN),
    Fault("watch answered with 429", "watch", TOO_MANY),
    Fault("watch answered with 410", "watch", EXPIRED, ends=True),
    Fault("list answered with 500", "watch+list", listing(ERROR_500)),
    Fault("list answered with 403", "watch+list", listing(FORBIDDEN)),
    Fault("list answered with 429", "watch+list", listing(TOO_MANY)),
    Fault("list answered with 410", "watch+list", listing(EXPIRED), ends=True),
    Fault("the next page has expired", "watch+list", listing(EXPIRED, page=True), limit=50),
    Fault("410 in the stream", "watch", stream(error_event(410, "Expired"))),
    Fault("429 in the stream", "watch", stream(error_event(429, "TooManyRequests")), ends=True),
    Fault("500 in the stream", "watch", stream(error_event(500, "InternalError")), ends=True),
    Fault("504 in the stream", "watch", stream(error_event(504, "Timeout")), ends=True),
    Fault("an error without a code in the stream", "watch", stream(event("ERROR")), ends=True),
    Fault("an event of an unknown type in the stream", "watch", stream(event("REPLACED"))),
    Fault("a cut line in the stream", "watch", stream('{"type": "MODIFIED", "object": {"metad'), ends=True),
    Fault("every watch is reset", "watch", reset),
    Fault("every watch is closed at once", "watch", stream()),
    Fault("one 401", "all", once(UNAUTHORIZED)),
    Fault("a 401 that stays", "all", UNAUTHORIZED),
]
WRITES = [
    Fault("PATCH answered with 404", "patch", status(404, "NotFound")),
    Fault("PATCH answered with 409", "patch", status(409, "Conflict")),
    Fault("PATCH answered with 422", "patch", status(422, "Invalid")),
    Fault("PATCH answered with 429", "patch", TOO_MANY),
    Fault("PATCH answered with 500", "patch", ERROR_500),
    Fault("every write answered with 409", "patch+lease+write", status(409, "Conflict")),
    Fault("everything answered with 404 by a front end", "all", not_found),
    Fault("everything answered with 429", "all", TOO_MANY),
    Fault("everything answered with 500", "all", ERROR_500),
    Fault("every connection is reset", "all", reset),
    Fault("every connection is refused", refuse=True),
]
MINUTES = [
    Fault("every connection is refused", refuse=True),
    Fault("everything answered with 500", "all", ERROR_500),
    Fault("everything never answered", "all", silence),
    Fault("watch never answered", "watch", silence),
    Fault("watch begins and falls silent", "watch", silent_stream),
    Fault("list never answered", "watch+list", listing(silence)),
    Fault("PATCH never answered", "patch", silence),
]
