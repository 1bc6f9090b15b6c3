"""The operator in pods, as people install it: crds/ and config/, with the image of this checkout."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandbox_kit.node import recipes
from sandbox_kit.node.places import Place

ROOT = Path(__file__).parent.parent.parent.parent
NAMESPACE = "glance-operator"
READY_SECONDS = 180
WAIT_FOR_KINDS = ("wait", "--for=condition=Established", "--timeout=30s", "-f", ROOT / "crds")


@dataclass(frozen=True)
class Deployment:
    """Two replicas with the rights of config/rbac.yaml. `settings` are its settings, in lower case, without prefix."""

    place: Place
    settings: dict[str, object]

    def deploy(self) -> None:
        """Install the kinds and the operator, without waiting for its pods."""
        self.place.run_kubectl("apply", "--server-side", "-f", ROOT / "crds")
        objects = [
            self._chosen(one) for one in yaml.safe_load_all(self.place.run_kubectl("kustomize", ROOT / "config"))
        ]
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        self.place.run_kubectl("apply", "--server-side", "-f", "-", stdin=text)
        self.place.run_kubectl(*WAIT_FOR_KINDS)

    def wait(self) -> None:
        """Wait until both replicas are ready."""
        words = ("rollout", "status", "deployment/glance-operator", f"--timeout={READY_SECONDS}s")
        self.place.run_kubectl("-n", NAMESPACE, *words, timeout=READY_SECONDS + 10)

    def remove(self) -> None:
        """Remove the operator; the kinds stay, and with them what was declared."""
        self.place.run_kubectl("delete", "-k", ROOT / "config", "--ignore-not-found", "--timeout=60s", timeout=90)

    def leader(self) -> str:
        """The name of the pod that acts."""
        holder = self.place.run_kubectl(
            "get", "lease", NAMESPACE, "-n", NAMESPACE, "-o", "jsonpath={.spec.holderIdentity}"
        )
        return holder.rpartition("_")[0]

    def _chosen(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["kind"] == "Deployment":
            (container,) = body["spec"]["template"]["spec"]["containers"]
            images = {"glance_image": recipes.GLANCE.image, "transfer_image": recipes.OPERATOR.image}
            chosen = {**images, "transfer_pod": json.dumps({"imagePullPolicy": "Never"}), **self.settings}
            names = {f"GLANCE_OPERATOR_{name.upper()}": str(value) for name, value in chosen.items()}
            kept = [one for one in container["env"] if one["name"] not in names]
            container["env"] = [*kept, *({"name": name, "value": value} for name, value in names.items())]
            container["image"] = recipes.OPERATOR.image
        return body
