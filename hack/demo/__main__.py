"""Starts the real parts and the operator, applies the samples, shows them move, says what to try next."""

import argparse
import signal
import string
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from rich.console import Console

from demo.rows import Row, differences
from demo.screen import screen
from sandbox_kit import samples
from sandbox_kit.controller import Operator
from sandbox_kit.process import NotReadyError
from sandbox_kit.sandbox import Sandbox, prepare

IMAGES = "apis/glance-operator.io/v1alpha1/namespaces/default/images"
SECONDS_BETWEEN_LOOKS = 0.25

NEXT = """
Next, in another terminal (Ctrl-C here ends all of it):

  export KUBECONFIG=@kubeconfig PATH=@bin:$PATH
  kubectl get images.glance-operator.io -o wide
  kubectl describe gimg source-missing
  kubectl explain gimg.spec.stores

  # mend what fails: the image follows, no new object is needed
  kubectl patch gimg source-missing --type=merge -p '{"spec":{"source":{"http":{"url":"@source/cirros.qcow2"}}}}'
  kubectl patch gimg store-unknown --type=merge -p '{"spec":{"stores":{"names":["dcn1"]}}}'
  kubectl patch gimg suspended --type=merge -p '{"spec":{"suspend":false}}'

  # what Glance itself says
  curl -s @glance/v2/images -H 'X-Identity-Status: Confirmed' -H 'X-Project-Id: any' -H 'X-Roles: admin,reader'

  kubectl delete gimg cirros

The operator's log: @log
"""


class AtTemplate(string.Template):
    """`$` and braces belong to the shell and to JSON here."""

    delimiter = "@"


def main() -> int:
    """Run the demo; 0 when every Image reached its expected state, or when Ctrl-C came too soon to tell."""
    chosen = arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the same way out as Ctrl-C
    try:
        with tempfile.TemporaryDirectory(prefix="glance-operator-demo-") as directory:
            return Demo(Path(directory), Console(soft_wrap=True), chosen).run()
    except NotReadyError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1 if chosen.once else 0  # who asked for --once asked for an answer


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end when all is as expected; 1 if it is not in time")
    parser.add_argument("--seconds", type=float, default=120, help="the time for it (default: %(default)s)")
    text = "what each Image is to become: name -> ready, reason, stores (default: hack/demo/expected.yaml)"
    parser.add_argument("--expected", type=Path, default=samples.EXPECTED, metavar="FILE", help=text)
    return parser.parse_args()


class Demo:
    """The parts in one temporary directory, and what is shown of them."""

    def __init__(self, directory: Path, console: Console, chosen: argparse.Namespace) -> None:
        self._console, self._chosen = console, chosen
        self._expected = samples.expected(chosen.expected)
        self._timed("Kubernetes' programs and Glance's environment", prepare)
        self._sandbox = Sandbox(directory)
        self._operator = Operator(directory, self._sandbox.control_plane.kubeconfig)

    def run(self) -> int:
        """Start, apply, watch, and, without --once, wait for Ctrl-C; 0 when all became as expected, else 1."""
        with ExitStack() as running:
            for what, part in (("control plane, Glance and source", self._sandbox), ("operator", self._operator)):
                self._timed(what, partial(running.enter_context, part))
            self._apply()
            wrong = self._watch()
            for name, words in wrong.items():
                self._console.print(f"{name}: {'; '.join(words)}", highlight=False, markup=False)
            if not self._chosen.once:
                self._say_next()
                with suppress(KeyboardInterrupt):
                    threading.Event().wait()
        return 1 if wrong else 0

    def _timed(self, what: str, start: Callable[[], object]) -> None:
        begun = time.monotonic()
        start()
        self._console.print(f"{what}: ready in {time.monotonic() - begun:.1f} s", highlight=False)

    def _apply(self) -> None:
        at = self._sandbox.addresses
        self._sandbox.control_plane.run_kubectl(
            "apply", "--server-side", "-f", "-", stdin=samples.manifests(at.source, at.glance)
        )

    def _watch(self) -> dict[str, list[str]]:
        """Show the Images until all are as expected, or for long enough; return what is not."""
        deadline = time.monotonic() + self._chosen.seconds
        with screen(self._console) as view:
            while True:
                rows = self._rows()
                view.show(rows)
                wrong = differences(rows, self._expected)
                if not wrong or time.monotonic() > deadline or not self._operator.process.alive:
                    break
                time.sleep(SECONDS_BETWEEN_LOOKS)
        if not self._operator.process.alive:
            raise NotReadyError(f"the operator ended:\n{self._operator.process.tail()}")
        return wrong

    def _rows(self) -> list[Row]:
        return [Row.of(body) for body in self._sandbox.control_plane.get(IMAGES)["items"]]

    def _say_next(self) -> None:
        at = self._sandbox.addresses
        parts = {"kubeconfig": at.kubeconfig, "source": at.source, "glance": at.glance}
        text = AtTemplate(NEXT).substitute(parts, bin=Path(at.kubectl).parent, log=self._operator.log)
        self._console.print(text, highlight=False, markup=False)


if __name__ == "__main__":
    sys.exit(main())
