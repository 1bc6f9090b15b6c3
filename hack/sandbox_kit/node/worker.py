"""One node: a machine and the programs that make it a part of the cluster."""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Self

from sandbox_kit.control_plane import ADMINS, ControlPlane
from sandbox_kit.node import config, keeper, recipes, store
from sandbox_kit.node.init import DISK
from sandbox_kit.node.services import Containerd, Machine, Service
from sandbox_kit.node.wire import Namespaces
from sandbox_kit.parallel import side_by_side
from sandbox_kit.process import run, wait_until

CLEAR_SECONDS, ORDER_SECONDS = 10, 30


class Worker:
    """`machine`, `containerd`, `kubelet`, `proxy` and `dns`: each can be stopped, killed and started alone.

    `kill` is a power cut: its pods end, its disk (images, volumes, what the kubelet knows) stays for the next `start`.
    """

    def __init__(self, place: Namespaces, volumes: Path, programs: dict[str, Path]) -> None:
        seat = place.seat
        self.name = seat.name
        self.machine = Machine(place.directory, place, volumes)
        self._place, self._programs = place, programs
        pause = recipes.pause(programs["pause"]).image
        self.machine.write("containerd.toml", config.containerd(pause))
        self.containerd = Containerd(self.machine, programs["containerd"], [f"--config={DISK}/etc/containerd.toml"])
        at = {name: f"http://{seat.address}:{port}" for name, port in config.HEALTH.items()}
        words = [
            f"--config={DISK}/etc/kubelet.json",
            f"--kubeconfig={DISK}/etc/kubelet.kubeconfig",
            f"--hostname-override={seat.name}",
            f"--node-ip={seat.address}",
            f"--root-dir={DISK}/kubelet",
            f"--cert-dir={DISK}/kubelet/pki",
        ]
        self.kubelet = Service(self.machine, programs["kubelet"], words, f"{at['kubelet']}/healthz")
        words = [f"--config={DISK}/etc/proxy.json"]
        self.proxy = Service(self.machine, programs["kube-proxy"], words, f"{at['kube-proxy']}/healthz")
        self.dns = Service(
            self.machine, programs["coredns"], ["-conf", f"{DISK}/etc/Corefile"], f"{at['coredns']}/ready"
        )

    def prepare(self, archives: Sequence[Path]) -> None:
        """Put images on its disk, before it first starts."""
        store.fill(self.machine.disk / "containerd", archives, self._programs)

    def boot(self) -> None:
        """Start what needs no API server. The cgroups of containers that are no more would hold the kubelet up."""
        wait_until(lambda: keeper.cleared(self._place.group), CLEAR_SECONDS, "the end of its containers")
        self.machine.start()
        self.containerd.start()

    def tag(self, image: str, name: str) -> None:
        """Give an image another name, as a new release would have."""
        words = ("--namespace", store.NAMESPACE, "images", "tag", "--force", image, name)
        run([*self.machine.prefix, self._programs["ctr"], "--address", config.SOCKET, *words], ORDER_SECONDS)

    def confine(self, volume: str, size: str) -> None:
        """Give an empty volume no more room than `size`, as pods of this node see it, until a power cut."""
        words = ("-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", f"{DISK}/volumes/{volume}")
        run([*self.machine.prefix, "mount", *words], ORDER_SECONDS)

    def configure(self, control_plane: ControlPlane) -> None:
        """Tell its programs where the API server is, and who they are."""
        write, authority, seat = self.machine.write, control_plane.authority, self._place.seat
        pair = authority.server(seat.name, (seat.address,))
        for name, path in {"ca.crt": authority.pair.cert, "node.crt": pair.cert, "node.key": pair.key}.items():
            write(name, path.read_text())
        kubeconfig = partial(authority.kubeconfig, control_plane.url)
        write("kubelet.kubeconfig", kubeconfig(f"system:node:{seat.name}", "system:nodes"))
        write("proxy.kubeconfig", kubeconfig("system:kube-proxy"))
        write("coredns.kubeconfig", kubeconfig("coredns", ADMINS))
        write("cni/sandbox.conflist", config.network(seat))
        write("kubelet.json", config.kubelet(seat))
        write("proxy.json", config.proxy(seat))
        write("Corefile", config.corefile(seat))
        write("resolv.conf", "")

    def join(self) -> None:
        """Start what makes it a part of the cluster, side by side."""
        side_by_side(self.kubelet.start, self.proxy.start, self.dns.start)

    def start(self) -> Self:
        """Start all, after `kill`."""
        self.boot()
        self.join()
        return self

    def kill(self) -> None:
        """Cut the power."""
        self.machine.kill()
        self.stop()

    def stop(self) -> None:
        """End everything that runs there."""
        with ExitStack() as stopping:
            for part in (self.machine, self.containerd, self.dns, self.proxy, self.kubelet):
                stopping.callback(part.stop)
