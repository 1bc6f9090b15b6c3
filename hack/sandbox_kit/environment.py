"""One virtual environment with Glance, Keystone and uWSGI, apart from ours: their dependencies are not the operator's.

It is made once per user and set of versions. So are the empty databases, because a schema takes seconds to build and
a copy of it takes none.
"""

import hashlib
import sqlite3
import sys
from dataclasses import dataclass
from pathlib import Path

from sandbox_kit import cache
from sandbox_kit.process import run

CONSTRAINTS = Path(__file__).with_name("openstack-constraints.txt")
PACKAGES = ("glance", "glance_store", "keystone", "pyuwsgi", "pymysql")
INSTALL_SECONDS = 15 * 60
# Glance says at every start that eventlet goes away; it does not use it, but loads it, and with it a DNS library.
QUIET = {"PYTHONWARNINGS": "ignore", "EVENTLET_NO_GREENDNS": "yes"}


@dataclass(frozen=True)
class Environment:
    """Where the programs of OpenStack are; made by `ensure`."""

    home: Path

    def program(self, name: str) -> Path:
        """The path of an installed command."""
        return self.home / "bin" / name

    def run(self, *command: str | Path, timeout: float = 120) -> str:
        """Run an installed command to its end and return its output; ProgramError carries the end of it."""
        program, *arguments = command
        return run([self.program(str(program)), *arguments], timeout, QUIET)

    def empty_database(self, service: str, target: Path) -> None:
        """Copy the empty, fully migrated database of `glance` or `keystone` to `target`."""
        with sqlite3.connect(self.template(service)) as source, sqlite3.connect(target) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=WAL")
        source.close()
        copy.close()

    def template(self, service: str) -> Path:
        """Where the empty database of a service is kept."""
        return self.home / f"{service}.sqlite"


def ensure() -> Environment:
    """Return the environment, installing it first where it is missing (a minute, once per user)."""
    text = CONSTRAINTS.read_text() + sys.version
    home = cache.directory() / f"openstack-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    complete = home / "complete"
    if not complete.exists():
        with cache.locked(home.with_suffix(".lock")):
            if not complete.exists():
                _install(Environment(home))
                complete.touch()
    return Environment(home)


def _install(environment: Environment) -> None:
    print(f"installing Glance and Keystone (once; kept in {environment.home})", file=sys.stderr, flush=True)
    run([sys.executable, "-m", "venv", "--clear", environment.home], 120)
    pip = ("python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    environment.run(*pip, "--constraint", CONSTRAINTS, *PACKAGES, timeout=INSTALL_SECONDS)
    environment.run("python", "-m", "compileall", "-q", environment.home / "lib", timeout=INSTALL_SECONDS)
    for service, sync in (("glance", ("db", "sync")), ("keystone", ("db_sync",))):
        config = environment.home / f"{service}.conf"
        config.write_text(f"[database]\nconnection = sqlite:///{environment.template(service)}\n")
        environment.run(f"{service}-manage", "--config-file", config, *sync)
