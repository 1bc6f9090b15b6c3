"""The demo with a node: the operator, a database and Glance in pods, as in a cluster."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from demo.scene import KINDS, AtTemplate
from sandbox_kit import samples
from sandbox_kit.node import cluster
from sandbox_kit.node.deployment import Deployment
from sandbox_kit.node.sandbox import NodeSandbox

SERVICE = samples.SAMPLES / "node"
DATABASE = "mysql+pymysql://glance:change-me@mariadb/glance"
NEXT = """
Next, in another terminal (Ctrl-C here ends all of it):

  export KUBECONFIG=@kubeconfig PATH=@bin:$PATH
  kubectl get glanceapis,glancestores,images.glance-operator.io
  kubectl describe gapi glance
  kubectl get pods,jobs,pvc

  # what is wrong is told, and reaches no pod
  kubectl patch gapi glance --type=merge -p '{"spec":{"extraConfig":{"wsgi":{"foo":"bar"}}}}'
  kubectl get gapi glance -o wide
  kubectl patch gapi glance --type=merge -p '{"spec":{"extraConfig":null}}'

  # a store that still holds images is not let go
  kubectl delete gstore archive --wait=false && kubectl describe gstore archive
  kubectl delete gimg everywhere

  kubectl logs -n glance-operator -l app.kubernetes.io/name=glance-operator --tail=50
"""


class NodeScene:
    """A GlanceAPI with three stores, and Images on it."""

    expected = Path(__file__).with_name("expected-node.yaml")
    needed = "programs and images of a node"
    prepare = staticmethod(cluster.prepare)

    def __init__(self, directory: Path) -> None:
        self._sandbox = NodeSandbox(directory)

    def parts(self) -> Sequence[tuple[str, AbstractContextManager[object]]]:
        return (("node, database and source", self._sandbox), ("operator", self._operator()))

    def apply(self) -> None:
        source = self._sandbox.source
        words = {
            DATABASE: self._sandbox.mariadb.connection,
            samples.SOURCE: source.url,
            "[127.0.0.1]": f"[{self._sandbox.cluster.host}]",
            "[8901]": f"[{source.port}]",
        }
        text = "\n---\n".join(path.read_text() for path in sorted(SERVICE.glob("*.yaml")))
        for word, value in words.items():
            text = text.replace(word, value)
        self._sandbox.cluster.run_kubectl("apply", "--server-side", "-f", "-", stdin=text)

    def bodies(self) -> list[dict[str, Any]]:
        kinds = ("glanceapis", "glancestores", "images")
        return [body for kind in kinds for body in self._sandbox.cluster.get(f"{KINDS}/{kind}")["items"]]

    def check(self) -> None:
        """Pods start again by themselves."""

    def next_words(self) -> str:
        at = self._sandbox.addresses
        return AtTemplate(NEXT).substitute(kubeconfig=at.kubeconfig, bin=Path(at.kubectl).parent)

    @contextmanager
    def _operator(self) -> Iterator[None]:
        made = Deployment(self._sandbox.cluster, {})
        made.deploy()
        made.wait()
        yield
