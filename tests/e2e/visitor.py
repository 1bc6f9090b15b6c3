"""Runs where the node is: twenty requests a second to an image service until it is told to stop, each with its outcome.

    python visitor.py URL

A request is one of: a list; an image of 1 MiB made, uploaded, read back, compared, and deleted. Ends when its standard
input does, and then writes one JSON object: how many there were, and what was said about those that failed.
"""

import hashlib
import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import requests

URL = sys.argv[1]
PAUSE, PATIENCE = 0.05, 30.0
WHO = {
    "X-Identity-Status": "Confirmed",
    "X-User-Id": "visitor",
    "X-Project-Id": "visitors",
    "X-Roles": "admin,member,reader",
}
DATA = os.urandom(1 << 20)
DIGEST = hashlib.sha256(DATA).hexdigest()
CROWD = 32
crowd_limit = threading.Semaphore(CROWD)
failed: list[str] = []


def ask(method: str, path: str, data: bytes | None = None, kind: str = "application/json") -> bytes:
    headers = {**WHO, "Content-Type": kind}
    answer = requests.request(method, f"{URL}/v2{path}", data=data, headers=headers, timeout=PATIENCE)
    answer.raise_for_status()
    return answer.content


def look() -> None:
    ask("GET", "/images?limit=5")


def bring() -> None:
    made = json.loads(ask("POST", "/images", b'{"disk_format": "raw", "container_format": "bare"}'))["id"]
    ask("PUT", f"/images/{made}/file", DATA, "application/octet-stream")
    if hashlib.sha256(ask("GET", f"/images/{made}/file")).hexdigest() != DIGEST:
        raise ValueError("other bytes than were brought")
    ask("DELETE", f"/images/{made}")


def visit(number: int) -> None:
    began = time.time()
    try:
        (bring if number % 10 == 0 else look)()
    except Exception as error:
        failed.append(f"{time.strftime('%T', time.gmtime(began))} {error!r}")
    finally:
        crowd_limit.release()


def until_told(told: threading.Event) -> None:
    sys.stdin.read()
    told.set()


def main() -> None:
    told = threading.Event()
    threading.Thread(target=until_told, args=(told,), daemon=True).start()
    count = 0
    with ThreadPoolExecutor(CROWD) as crowd:
        while not told.wait(PAUSE):
            if crowd_limit.acquire(blocking=False):  # where all is slow, the queue must not grow without end
                crowd.submit(visit, count)
                count += 1
    sys.stdout.write(json.dumps({"visits": count, "failed": failed}))


if __name__ == "__main__":
    main()
