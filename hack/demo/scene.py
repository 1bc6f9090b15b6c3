"""What the demo plays on: its parts, the samples, and what to try with them."""

import string
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from sandbox_kit import samples
from sandbox_kit.controller import Operator
from sandbox_kit.process import NotReadyError
from sandbox_kit.sandbox import Sandbox, prepare

KINDS = "apis/glance-operator.io/v1alpha1/namespaces/default"
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


class Scene(Protocol):
    """parts(): what is started, in order. check(): raises NotReadyError when it makes no sense to wait any longer."""

    def parts(self) -> Sequence[tuple[str, AbstractContextManager[object]]]: ...
    def apply(self) -> None: ...
    def bodies(self) -> list[dict[str, Any]]: ...
    def check(self) -> None: ...
    def next_words(self) -> str: ...


class LoopbackScene:
    """The operator and Glance as processes, Images with credentials of a cloud.

    `expected`: the file that says what they become; `needed`: what `prepare` makes, once.
    """

    expected = samples.EXPECTED
    needed = "Kubernetes' programs and Glance's environment"
    prepare = staticmethod(prepare)

    def __init__(self, directory: Path) -> None:
        self._sandbox = Sandbox(directory)
        self._operator = Operator(directory, self._sandbox.control_plane.kubeconfig)

    def parts(self) -> Sequence[tuple[str, AbstractContextManager[object]]]:
        return (("control plane, Glance and source", self._sandbox), ("operator", self._operator))

    def apply(self) -> None:
        at = self._sandbox.addresses
        text = samples.manifests(at.source, at.glance)
        self._sandbox.control_plane.run_kubectl("apply", "--server-side", "-f", "-", stdin=text)

    def bodies(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._sandbox.control_plane.get(f"{KINDS}/images")["items"]
        return found

    def check(self) -> None:
        if not self._operator.process.alive:
            raise NotReadyError(f"the operator ended:\n{self._operator.process.tail()}")

    def next_words(self) -> str:
        at = self._sandbox.addresses
        parts = {"kubeconfig": at.kubeconfig, "source": at.source, "glance": at.glance}
        return AtTemplate(NEXT).substitute(parts, bin=Path(at.kubectl).parent, log=self._operator.log)
