"""Runs where the node is: twenty requests a second to an image service until it is told to stop, each with its outcome.

    python visitor.py URL

The first line of its standard input is a JSON object: the headers that say who asks. A visit is one of: a list; an
image of 1 MiB read and compared, which was there from the beginning; another one made, uploaded, read back, compared,
and deleted. Ends when its standard input does, and then writes one JSON object: how many visits there were, and what
was said about those that failed.
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
DATA = os.urandom(1 << 20)
DIGEST = hashlib.sha256(DATA).hexdigest()
CROWD = 32
crowd_limit = threading.Semaphore(CROWD)
failed: list[str] = []
who: dict[str, str] = json.loads(sys.stdin.readline())


def ask(method: str, path: str, data: bytes | None = None, kind: str = "application/json") -> bytes:
    headers = {**who, "Content-Type": kind}
    answer = requests.request(method, f"{URL}/v2{path}", data=data, headers=headers, timeout=PATIENCE)
    answer.raise_for_status()
    return answer.content


def look() -> None:
    ask("GET", "/images?limit=5")


def made() -> str:
    """The id of a new image with the data."""
    image: str = json.loads(ask("POST", "/images", b'{"disk_format": "raw", "container_format": "bare"}'))["id"]
    ask("PUT", f"/images/{image}/file", DATA, "application/octet-stream")
    return image


def read(image: str) -> None:
    if hashlib.sha256(ask("GET", f"/images/{image}/file")).hexdigest() != DIGEST:
        raise ValueError("other bytes than were brought")


def bring() -> None:
    image = made()
    read(image)
    ask("DELETE", f"/images/{image}")


def visit(number: int, image: str) -> None:
    began = time.time()
    try:
        if number % 10 == 0:
            bring()
        elif number % 3 == 0:
            read(image)
        else:
            look()
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
    count, image = 0, made()
    with ThreadPoolExecutor(CROWD) as crowd:
        while not told.wait(PAUSE):
            if crowd_limit.acquire(blocking=False):  # where all is slow, the queue must not grow without end
                crowd.submit(visit, count, image)
                count += 1
    ask("DELETE", f"/images/{image}")
    sys.stdout.write(json.dumps({"visits": count, "failed": failed}))


if __name__ == "__main__":
    main()
