"""`hack/sandbox up | down | status | kubeconfig`: a sandbox for people, in the background."""

import argparse
import sys
from pathlib import Path

from sandbox_kit import sandbox
from sandbox_kit.binaries import MissingBinaryError
from sandbox_kit.holder import Holder
from sandbox_kit.node.packages import NoNodeError
from sandbox_kit.process import NotReadyError
from sandbox_kit.sandbox import Addresses

BASE = Path(__file__).parent.parent.parent / ".sandbox"
NOT_UP = 3
WITH_NODE = "with a node for pods, and a database, but no Glance (Linux, root; NODE=1 installs what is missing)"


def main() -> int:
    """Run one command; 0 when it did what it says, 3 when there is no such sandbox, 1 when something failed."""
    chosen = arguments()
    holder = Holder(BASE, chosen.name)
    commands = {"up": up, "down": down, "status": status, "kubeconfig": kubeconfig, "hold": hold, "prepare": prepare}
    try:
        return commands[chosen.command](holder, chosen)
    except (MissingBinaryError, NoNodeError, NotReadyError) as error:
        print(error, file=sys.stderr)
        return 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="hack/sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in {
        "up": "start one (or find it running) and say how to use it",
        "down": "stop it; nothing of it runs on",
        "status": "say whether it is up, and where its parts are",
        "kubeconfig": "print the path of its kubeconfig",
        "prepare": "only make what takes minutes: Kubernetes' programs, Glance's environment",
        "hold": "be the sandbox, in the foreground",
    }.items():
        command = commands.add_parser(name, help=text)
        command.add_argument("--name", default="default", help="several can run side by side (default: %(default)s)")
        if name in ("up", "hold"):
            command.add_argument("--keystone", action="store_true", help="with a Keystone that Glance asks")
            command.add_argument("--node", action="store_true", help=WITH_NODE)
    return parser.parse_args()


def up(holder: Holder, chosen: argparse.Namespace) -> int:
    found = holder.up(*parts(chosen))
    show(holder, found)
    print(f"\n  export KUBECONFIG={found.kubeconfig}\n  {found.kubectl} get images.glance-operator.io -A")
    print(f"\nstop it with: hack/sandbox down --name {holder.name}")
    return 0


def parts(chosen: argparse.Namespace) -> list[str]:
    return [name for name in ("keystone", "node") if getattr(chosen, name)]


def down(holder: Holder, _: argparse.Namespace) -> int:
    print(f"sandbox {holder.name} is {'down' if holder.down() else 'not up'}")
    return 0


def status(holder: Holder, _: argparse.Namespace) -> int:
    if found := holder.addresses():
        show(holder, found)
        return 0
    print(f"sandbox {holder.name} is not up; start it with: hack/sandbox up --name {holder.name}")
    return NOT_UP


def kubeconfig(holder: Holder, _: argparse.Namespace) -> int:
    if found := holder.addresses():
        print(found.kubeconfig)
        return 0
    print(f"sandbox {holder.name} is not up", file=sys.stderr)
    return NOT_UP


def hold(holder: Holder, chosen: argparse.Namespace) -> int:
    holder.hold(*parts(chosen))
    return 0


def prepare(_: Holder, __: argparse.Namespace) -> int:
    sandbox.prepare()
    return 0


def show(holder: Holder, found: Addresses) -> None:
    print(f"sandbox {holder.name} is up, its files in {holder.directory}")
    for part in ("kubernetes", "glance", "source", "keystone", "database", "kubeconfig", "clouds"):
        if value := getattr(found, part):
            print(f"  {part:<11} {value}")


if __name__ == "__main__":
    sys.exit(main())
