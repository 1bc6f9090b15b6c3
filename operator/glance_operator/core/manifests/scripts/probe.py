# mypy: ignore-errors
"""Runs in Glance's own container: one store, its real driver, its real configuration: write, read and remove an object.

Its last words are what the operator reads: JSON with the room in the store, or what went wrong. Ends with 0 or 1.
"""

import hashlib
import io
import json
import os
import sys
import uuid
from pathlib import Path

import glance_store
from glance.common import config  # noqa: F401  (it registers enabled_backends)
from oslo_config import cfg

CONFIG = Path(os.environ["OS_GLANCE_CONFIG_DIR"]) / "glance-api.conf"
LAST_WORDS = Path(os.environ.get("TERMINATION_LOG", "/dev/termination-log"))
SIZE = 1 << 20
NAME = str(uuid.uuid4())


def opened():
    """The store's id and driver."""
    cfg.CONF([], project="glance", prog="glance-api", default_config_files=[str(CONFIG)])
    glance_store.register_store_opts(cfg.CONF)
    glance_store.create_multi_stores(cfg.CONF)
    (store_id,) = cfg.CONF.enabled_backends
    driver = glance_store.get_store_from_store_identifier(store_id)
    driver.configure(re_raise_bsc=True)  # once more, as the first time it keeps to itself what is wrong
    return store_id, driver


def write_read_remove(store_id, context):
    data = os.urandom(SIZE)
    url, size, *_ = glance_store.add_with_multihash(
        cfg.CONF, NAME, io.BytesIO(data), len(data), store_id, "sha256", context=context
    )
    try:
        chunks, _ = glance_store.get(url, store_id, context=context)
        if hashlib.sha256(b"".join(chunks)).digest() != hashlib.sha256(data).digest() or size != SIZE:
            raise OSError("what was read is not what was written")
    finally:
        glance_store.delete(url, store_id, context=context)


def room(driver):
    """Bytes in all and bytes left, where that is a matter of a file system."""
    directory = getattr(driver, "datadir", None)
    if not directory:
        return {}
    found = os.statvfs(directory)
    return {"total": found.f_blocks * found.f_frsize, "available": found.f_bavail * found.f_frsize}


def prove():
    store_id, driver = opened()
    write_read_remove(store_id, None)
    return room(driver)


def main():
    try:
        told, code = json.dumps(prove()), 0
    except Exception as error:
        # Its name is another one each time, and would make news of what has not changed.
        told, code = f"{type(error).__name__}: {error}".replace(NAME, "(object)"), 1
    sys.stdout.write(f"{told}\n")
    LAST_WORDS.write_text(told[:4000])
    return code


if __name__ == "__main__":
    sys.exit(main())
