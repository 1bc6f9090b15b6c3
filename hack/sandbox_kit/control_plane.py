"""A real Kubernetes control plane: etcd, kube-apiserver and kube-controller-manager, ready in a few seconds."""

import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Self

from sandbox_kit import binaries
from sandbox_kit.assembly import Assembly
from sandbox_kit.loopback import answers, session
from sandbox_kit.pki import Authority, new_key
from sandbox_kit.ports import free_port
from sandbox_kit.process import Server

LOOPBACK = "127.0.0.1"
ISSUER = "https://kubernetes.default.svc.cluster.local"
ADMIN, ADMINS = "admin", "system:masters"
# What is needed here of forty controllers: the others keep a tenth of a core busy, most of it in the API server.
CONTROLLERS = (
    "namespace-controller",
    "garbage-collector-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
    "clusterrole-aggregation-controller",
)


@dataclass(frozen=True)
class Shape:
    """What a control plane is for: by default objects alone, on loopback; with `nodes`, pods too.

    address: where the API server listens; services: the addresses of Services; controllers: those that run.
    """

    address: str = LOOPBACK
    services: str = "10.96.0.0/16"
    controllers: Sequence[str] = CONTROLLERS
    nodes: bool = False

    @property
    def service(self) -> str:
        """The address of the API server's own Service: the first."""
        return str(next(ip_network(self.services).hosts()))


class GoServer(Server):
    """A program of Kubernetes; collecting its garbage later costs memory, and saves a sixth of its CPU time."""

    def environment(self) -> Mapping[str, str]:
        return {"GOGC": "400"}


class Etcd(GoServer):
    """The store; it does not sync to disk, because nothing of a sandbox survives a power cut anyway."""

    def __init__(self, program: Path, directory: Path) -> None:
        super().__init__("etcd", directory)
        self._program = program
        self.relocate()

    def relocate(self) -> None:
        self.url, self._peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))

    def command(self) -> Sequence[str | Path]:
        return [
            self._program,
            f"--data-dir={self.directory / 'etcd'}",
            f"--listen-client-urls={self.url}",
            f"--advertise-client-urls={self.url}",
            f"--listen-peer-urls={self._peer}",
            f"--initial-advertise-peer-urls={self._peer}",
            f"--initial-cluster=default={self._peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def ready(self) -> bool:
        return answers(f"{self.url}/health")


class ApiServer(GoServer):
    """kube-apiserver with RBAC; its limits on requests in flight are high, so that no test measures them."""

    def __init__(self, program: Path, directory: Path, etcd: Etcd, authority: Authority, shape: Shape) -> None:
        super().__init__("kube-apiserver", directory)
        self._program, self._etcd, self._authority, self._shape = program, etcd, authority, shape
        self._serving = authority.server("kube-apiserver", (shape.address, shape.service))
        self._admin = authority.client(ADMIN, ADMINS)
        self.admin = (str(self._admin.cert), str(self._admin.key))
        self.accounts_key = directory / "accounts.key"
        new_key(self.accounts_key)
        self.relocate()

    def relocate(self) -> None:
        self._port = free_port()
        self.url = f"https://{self._shape.address}:{self._port}"

    def command(self) -> Sequence[str | Path]:
        return [
            self._program,
            f"--etcd-servers={self._etcd.url}",
            f"--secure-port={self._port}",
            f"--bind-address={self._shape.address}",
            f"--advertise-address={self._shape.address}",
            f"--cert-dir={self.directory}",
            f"--tls-cert-file={self._serving.cert}",
            f"--tls-private-key-file={self._serving.key}",
            f"--client-ca-file={self._authority.pair.cert}",
            f"--service-cluster-ip-range={self._shape.services}",
            f"--service-account-issuer={ISSUER}",
            f"--service-account-key-file={self.accounts_key}",
            f"--service-account-signing-key-file={self.accounts_key}",
            "--max-requests-inflight=2000",
            "--max-mutating-requests-inflight=1000",
            "--shutdown-delay-duration=0s",
            "--profiling=false",
            *(
                self._with_nodes()
                if self._shape.nodes
                else ("--authorization-mode=RBAC", "--endpoint-reconciler-type=none")
            ),
        ]

    def ready(self) -> bool:
        return answers(f"{self.url}/readyz", self._authority.pair, self._admin)

    def _with_nodes(self) -> Sequence[str]:
        """Kubelets may see what is theirs, and are asked for logs; pods find this server by its Service."""
        return [
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            f"--kubelet-client-certificate={self._admin.cert}",
            f"--kubelet-client-key={self._admin.key}",
            "--kubelet-preferred-address-types=InternalIP",
        ]


class ControllerManager(GoServer):
    """Makes namespaces end, owned objects go, and service accounts appear."""

    def __init__(
        self,
        program: Path,
        directory: Path,
        authority: Authority,
        api: ApiServer,
        controllers: Sequence[str] = CONTROLLERS,
    ) -> None:
        super().__init__("kube-controller-manager", directory)
        self._program, self._authority, self._api, self._controllers = program, authority, api, controllers
        self._serving = authority.server("kube-controller-manager")
        self._kubeconfig = directory / "kube-controller-manager.kubeconfig"

    def launch(self) -> None:
        """Its port is nobody else's business: another one each time."""
        self._port = free_port()
        self._kubeconfig.write_text(self._authority.kubeconfig(self._api.url, "system:kube-controller-manager"))
        super().launch()

    def command(self) -> Sequence[str | Path]:
        return [
            self._program,
            f"--kubeconfig={self._kubeconfig}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self._port}",
            f"--tls-cert-file={self._serving.cert}",
            f"--tls-private-key-file={self._serving.key}",
            f"--controllers={','.join(self._controllers)}",
            "--leader-elect=false",
            "--use-service-account-credentials=true",
            f"--root-ca-file={self._authority.pair.cert}",
            f"--service-account-private-key-file={self._api.accounts_key}",
            "--profiling=false",
        ]

    def ready(self) -> bool:
        return answers(f"https://127.0.0.1:{self._port}/healthz", self._authority.pair)


class ControlPlane(Assembly):
    """The three together. `kubeconfig` is the administrator's; `url` the API server's address; `kubectl` a program.

    The address, and so what the kubeconfig says, is certain once `start` has returned.
    """

    def __init__(self, directory: Path, shape: Shape = Shape()) -> None:
        super().__init__()
        programs = binaries.ensure()
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.kubectl = programs["kubectl"]
        self.authority = Authority(directory / "pki")
        self.etcd = Etcd(programs["etcd"], directory)
        self.api = ApiServer(programs["kube-apiserver"], directory, self.etcd, self.authority, shape)
        manager = programs["kube-controller-manager"]
        self.manager = ControllerManager(manager, directory, self.authority, self.api, shape.controllers)
        self.kubeconfig = directory / f"{ADMIN}.kubeconfig"

    @property
    def url(self) -> str:
        """The API server's address."""
        return self.api.url

    def kubeconfig_for(self, user: str, group: str | None = None) -> Path:
        """Write a kubeconfig for any user and group that RBAC knows, and return its path."""
        path = self.directory / f"{user.replace(':', '-')}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(self.authority.kubeconfig(self.url, user, group))
        return path

    def start(self) -> Self:
        """Start all three, in order, each as soon as the one before it answers."""
        with ExitStack() as starting:
            for server in (self.etcd, self.api, self.manager):
                starting.enter_context(server)
            self.kubeconfig_for(ADMIN, ADMINS)
            self._running = starting.pop_all()
        return self

    def run_kubectl(self, *arguments: str | Path, stdin: str | None = None, timeout: float = 60) -> str:
        """Run kubectl as the administrator and return what it printed; RuntimeError carries its stderr."""
        return run_kubectl(self.kubectl, self.kubeconfig, *arguments, stdin=stdin, timeout=timeout)

    def get(self, path: str) -> dict[str, Any]:
        """What the API server answers to the administrator's GET of `path`; requests.HTTPError when it refuses."""
        with session() as direct:
            direct.verify, direct.cert = str(self.authority.pair.cert), self.api.admin
            answer = direct.get(f"{self.url}/{path}", timeout=30)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def run_kubectl(
    program: Path, kubeconfig: Path, *arguments: str | Path, stdin: str | None = None, timeout: float = 60
) -> str:
    """Run kubectl on any cluster and return what it printed; RuntimeError carries its stderr."""
    command = [program, f"--kubeconfig={kubeconfig}", *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode:
        raise RuntimeError(f"kubectl {' '.join(map(str, arguments))}: {done.stderr.strip()}")
    return done.stdout
