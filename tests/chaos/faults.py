"""The faults: each way in which a watch feed was seen to end, and the plain ones in which everything fails."""

from __future__ import annotations

import json

from aiohttp import web
from tests.chaos.proxy import Answer, Fault


def status(code: int, reason: str, **headers: str) -> Answer:
    """An error answer as the API server gives it."""

    async def answer(_: web.Request) -> web.StreamResponse:
        body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code}
        return web.json_response({**body, "message": f"injected: {reason}"}, status=code, headers=headers)

    return answer


def stream(*lines: str) -> Answer:
    """A watch that says these lines and ends."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body="".join(lines).encode(), content_type="application/json")

    return answer


def error_event(code: int, reason: str) -> str:
    """An ERROR in the stream."""
    told = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code}
    return json.dumps({"type": "ERROR", "object": {**told, "message": f"injected: {reason}"}}) + "\n"


async def reset(request: web.Request) -> web.StreamResponse:
    """The connection is cut instead of an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def once(answer: Answer) -> Answer:
    """Only the first time; then everything goes through."""
    used: list[bool] = []

    async def first(request: web.Request) -> web.StreamResponse | None:
        if used:
            return None
        used.append(True)
        return await answer(request)

    return first


async def expired_page(request: web.Request) -> web.StreamResponse | None:
    """Watches make the feed list again; the second page of every list has expired."""
    if request.query.get("watch"):
        return await stream(error_event(410, "Expired"))(request)
    return await status(410, "Expired")(request) if request.query.get("continue") else None


FAULTS = [
    Fault("watch answered with 500", "watch", status(500, "InternalError")),
    Fault("watch and list answered with 500", "watch+list", status(500, "InternalError")),
    Fault("everything answered with 500", "all", status(500, "InternalError")),
    Fault("everything answered with 429", "all", status(429, "TooManyRequests", **{"Retry-After": "1"})),
    Fault("watch and list answered with 403", "watch+list", status(403, "Forbidden")),
    Fault("watch answered with 410", "watch", status(410, "Expired")),
    Fault("the next page has expired", "watch+list", expired_page, limit=50),
    Fault("410 in the stream", "watch", stream(error_event(410, "Expired"))),
    Fault("500 in the stream", "watch", stream(error_event(500, "InternalError"))),
    Fault("a cut line in the stream", "watch", stream('{"type": "MODIFIED", "object": {"metad')),
    Fault("every connection is reset", "all", reset),
    Fault("every connection is refused", refuse=True),
    Fault("every watch is closed at once", "watch", stream()),
    Fault("one 401", "all", once(status(401, "Unauthorized"))),
]
