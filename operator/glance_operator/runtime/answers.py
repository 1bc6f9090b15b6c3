"""What the image API's answers say. Apart from the client, which is about asking."""

from __future__ import annotations

import re
from typing import Any

from glance_operator.core.image.observed import GlanceImage, Task
from glance_operator.runtime.errors import Refused, Unavailable, unavailable

OVERLOADED = frozenset({429, 502, 503, 504})
_TAGS = re.compile(r"<[^>]+>")


def stores(said: Any) -> tuple[tuple[str, ...], str]:
    """Ids of the stores that take data, and of the default one."""
    stores = said["stores"]
    default = next((s["id"] for s in stores if str(s.get("default")).lower() == "true"), "")
    return tuple(s["id"] for s in stores if not s.get("read-only")), default


def page(said: Any) -> tuple[list[GlanceImage], str | None]:
    """The images, and the path of the next page."""
    path = said["next"].removeprefix("/v2") if said.get("next") else None
    return [GlanceImage.parse(raw) for raw in said["images"]], path


def tasks(said: Any) -> list[Task]:
    """Glance gives them in no order of time."""
    tasks = [Task(t["id"], t["status"], t.get("created_at") or "", t.get("message") or "") for t in said["tasks"]]
    return sorted(tasks, key=lambda t: t.created_at)


def members(said: Any) -> frozenset[str]:
    return frozenset(m["member_id"] for m in said["members"])


def failure(method: str, response: Any) -> Unavailable | Refused:
    """What an answer of 400 and more means: for the whole cloud, or for this request only."""
    status = response.status_code
    if status in OVERLOADED or (status >= 500 and method == "GET"):
        return unavailable("GlanceUnavailable", f"the image service answers HTTP {status}", retry_after(response))
    if status == 401:
        text = "the image service refuses the credentials (HTTP 401): check them in the Secret"
        return unavailable("CredentialsRefused", text)
    return Refused(status, message(response))


def retry_after(response: Any) -> float | None:
    """Seconds, if it says so in seconds."""
    said = response.headers.get("Retry-After", "") if response is not None else ""
    return float(said) if said.isdecimal() and said.isascii() else None


def message(response: Any) -> str:
    """Glance's own sentence, without the markup it comes in."""
    try:
        text = str(response.json().get("message") or "")
    except (ValueError, AttributeError):
        text = response.text
    return " ".join(_TAGS.sub(" ", text).split())[:500]
