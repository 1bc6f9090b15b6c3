"""Starts the real parts and the operator, applies the samples, shows them move, says what to try next."""

import argparse
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from rich.console import Console

from demo.node import NodeScene
from demo.rows import Row, differences
from demo.scene import LoopbackScene, Scene
from demo.screen import screen
from sandbox_kit import samples
from sandbox_kit.binaries import MissingBinaryError
from sandbox_kit.node.packages import NoNodeError
from sandbox_kit.process import NotReadyError

SECONDS_BETWEEN_LOOKS = 0.25


def main() -> int:
    """Run the demo; 0 when every object reached its expected state, or when Ctrl-C came too soon to tell."""
    chosen = arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the same way out as Ctrl-C
    try:
        with tempfile.TemporaryDirectory(prefix="glance-operator-demo-") as directory:
            return Demo(Path(directory), Console(soft_wrap=True), chosen).run()
    except (MissingBinaryError, NoNodeError, NotReadyError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1 if chosen.once else 0  # who asked for --once asked for an answer


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end when all is as expected; 1 if it is not in time")
    parser.add_argument("--node", action="store_true", help="with a node: the operator and Glance itself run in pods")
    parser.add_argument("--seconds", type=float, default=120, help="the time for it (default: %(default)s)")
    text = "what each object is to become: name -> ready, reason, stores (default: beside this file)"
    parser.add_argument("--expected", type=Path, metavar="FILE", help=text)
    return parser.parse_args()


class Demo:
    """The parts in one temporary directory, and what is shown of them."""

    def __init__(self, directory: Path, console: Console, chosen: argparse.Namespace) -> None:
        self._console, self._chosen = console, chosen
        scene = NodeScene if chosen.node else LoopbackScene
        self._expected = samples.expected(chosen.expected or scene.expected)
        self._timed(scene.needed, scene.prepare)
        self._scene: Scene = scene(directory)

    def run(self) -> int:
        """Start, apply, watch, and, without --once, wait for Ctrl-C; 0 when all became as expected, else 1."""
        with ExitStack() as running:
            for what, part in self._scene.parts():
                self._timed(what, partial(running.enter_context, part))
            begun = time.monotonic()
            self._scene.apply()
            wrong = self._watch()
            self._say(f"{'not ' if wrong else ''}all as expected after {time.monotonic() - begun:.1f} s")
            for name, words in wrong.items():
                self._say(f"{name}: {'; '.join(words)}")
            if not self._chosen.once:
                self._say(self._scene.next_words())
                with suppress(KeyboardInterrupt):
                    threading.Event().wait()
        return 1 if wrong else 0

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False)

    def _timed(self, what: str, start: Callable[[], object]) -> None:
        begun = time.monotonic()
        start()
        self._say(f"{what}: ready in {time.monotonic() - begun:.1f} s")

    def _watch(self) -> dict[str, list[str]]:
        """Show the objects until all are as expected, or for long enough; return what is not."""
        deadline = time.monotonic() + self._chosen.seconds
        with screen(self._console) as view:
            while True:
                rows = [Row.of(body) for body in self._scene.bodies()]
                view.show(rows)
                wrong = differences(rows, self._expected)
                if not wrong or time.monotonic() > deadline:
                    return wrong
                self._scene.check()
                time.sleep(SECONDS_BETWEEN_LOOKS)


if __name__ == "__main__":
    sys.exit(main())
