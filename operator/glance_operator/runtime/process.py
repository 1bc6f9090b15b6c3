"""Why: the operator as a process: settings, then the parts, then wait for the end; nothing else is decided here."""

from __future__ import annotations

import logging
import signal
import sys
import threading

from glance_operator import __version__
from glance_operator.runtime import logs
from glance_operator.runtime.app import App
from glance_operator.runtime.kinds import WIRING, make_engine
from glance_operator.runtime.kube import Unreachable
from glance_operator.settings import Settings, SettingsError

log = logging.getLogger("glance_operator.main")


def main() -> int:
    """Run until SIGTERM or SIGINT. Exit code: 0 after that, 1 if it cannot start, 2 for a wrong setting."""
    try:
        settings = Settings.from_environment()
    except SettingsError as error:
        print(f"glance-operator: {error}", file=sys.stderr)  # noqa: T201  (there is no log before the settings)
        return 2
    logs.configure(settings.log_format, settings.log_level)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        app = App(settings, make_engine, WIRING)
    except (Unreachable, OSError) as error:
        log.critical("cannot start: %s", error)  # no kubeconfig, or the health port is taken
        return 1
    log.info("glance-operator %s as %s", __version__, settings.identity)
    app.start()
    ended.wait()
    log.info("stopping")
    app.stop()
    return 0
