"""What the image API's answers say, and Keystone's. Apart from the client, which is about asking."""

from __future__ import annotations

import re
from typing import Any

from glance_operator.core.image.caches import CacheList
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


def members(said: Any) -> dict[str, str]:
    """By project, what it has made of the image."""
    return {m["member_id"]: m.get("status") or "" for m in said["members"]}


def cache(said: Any) -> CacheList:
    return CacheList(frozenset(c["image_id"] for c in said["cached_images"]), frozenset(said["queued_images"]))


def failure(method: str, response: Any) -> Unavailable | Refused:
    """What an answer of 400 and more means: for the whole cloud, or for this request only."""
    status = response.status_code
    if status in OVERLOADED or (status >= 500 and method == "GET"):
        return unavailable("GlanceUnavailable", f"the image service answers HTTP {status}", retry_after(response))
    if status == 401:
        text = "the image service refuses the credentials (HTTP 401): check them in the Secret"
        return unavailable("CredentialsRefused", text)
    return Refused(status, message(response))


def no_image_api(response: Any) -> Unavailable:
    """A 404 where every image service that imports would answer."""
    return unavailable("GlanceUnavailable", f"no image service that imports is there: HTTP 404{_address(response.url)}")


def keystone(error: Any) -> Unavailable:
    """What an HTTP error of Keystone means; it comes as an exception of keystoneauth, Glance's own never do."""
    status, place = error.http_status, _address(error.url)
    if status in {401, 403}:
        text = f"Keystone refuses the credentials (HTTP {status}): check them in the Secret"
        return unavailable("CredentialsRefused", text)
    text = f"Keystone answers HTTP {status}{place}"
    if status in OVERLOADED or status >= 500:
        return unavailable("GlanceUnavailable", text, retry_after(error.response))
    hint = "check auth_url and the entries under auth (numbers in quotes)"
    return unavailable("CredentialsRefused", f"{text}: {hint}")


def cause(error: Exception) -> str:
    """The same words for the same outage: object addresses and attempts in the library's texts would change."""
    return type(error).__name__ + _address(error)


def _address(text: object) -> str:
    """`` at <scheme, host and port>`` of the first URL, without a user or a path; empty if there is none."""
    found = re.search(r"(https?://)([^\s/@'\"]*@)?(\[[0-9a-fA-F:]+\]|[\w.-]+)(:\d+)?(?=[\s/?#'\"),:]|$)", str(text))
    return f" at {found[1]}{found[3]}{found[4] or ''}" if found else ""


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
