"""Serves a WSGI application of OpenStack under uWSGI, with the options that its services need."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox_kit import ini
from sandbox_kit.environment import Environment
from sandbox_kit.ports import free_port
from sandbox_kit.process import Server

WSGI = Path(__file__).with_name("wsgi")


@dataclass(frozen=True)
class Workers:
    """How many serve, for how many seconds a stopping one may finish its work, and on which address of this machine."""

    processes: int = 1
    threads: int = 32
    mercy: int = 3
    host: str = "127.0.0.1"


class UwsgiServer(Server):
    """A service under uWSGI on a free port."""

    def __init__(self, name: str, directory: Path, environment: Environment, module: str, workers: Workers) -> None:
        super().__init__(name, directory)
        self.grace = workers.mercy + 5.0
        self.port = free_port()
        self._environment = environment
        self._module, self._workers = module, workers
        self._options = directory / f"{name}-uwsgi.ini"

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self._workers.host}:{self.port}"

    def relocate(self) -> None:
        self.port = free_port()

    def launch(self) -> None:
        self._options.write_text(ini.text({"uwsgi": self._uwsgi(self._module, self._workers)}))
        super().launch()

    def command(self) -> Sequence[str | Path]:
        return [self._environment.program("pyuwsgi"), "--ini", self._options]

    def _uwsgi(self, module: str, workers: Workers) -> dict[str, ini.Value]:
        return {
            "http-socket": f"{workers.host}:{self.port}",
            "module": module,
            "pythonpath": WSGI,
            "master": True,
            "processes": workers.processes,
            "threads": workers.threads,
            "enable-threads": True,
            "lazy-apps": True,
            "thunder-lock": True,
            "die-on-term": True,
            "worker-reload-mercy": workers.mercy,
            "need-app": True,
            "listen": 100,
            "buffer-size": 65535,
            "http-auto-chunked": True,
            "http-raw-body": True,
            "wsgi-disable-file-wrapper": True,
            "disable-logging": True,
            # uWSGI closes kept connections without saying so, which clients see as random resets.
            "add-header": "Connection: close",
        }
