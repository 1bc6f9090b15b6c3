"""What an administrator may say of the pods that transfer images, so that they fit into anybody's namespace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ConfigDict

from glance_operator.api.base import Model

_RESOURCES: Mapping[str, Mapping[str, str]] = {
    "requests": {"cpu": "100m", "memory": "192Mi"},
    "limits": {"memory": "512Mi"},
}


class TransferPod(Model):
    """Kubernetes' own names and forms. What is not known here is refused: it would have been meant to matter."""

    model_config = ConfigDict(extra="forbid")

    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    """When the container image is fetched."""
    image_pull_secrets: tuple[str, ...] = ()
    """Names of Secrets, in the namespace of the Image, by which it may be fetched."""
    resources: Mapping[str, Mapping[str, str]] = _RESOURCES
    """Requests and limits of the container."""
    labels: Mapping[str, str] = {}
    """Further labels of the pod."""
    annotations: Mapping[str, str] = {}
    """Annotations of the pod, such as those that keep a sidecar out."""
    env: Mapping[str, str] = {}
    """Environment of the container: HTTP_PROXY, HTTPS_PROXY, NO_PROXY."""
    node_selector: Mapping[str, str] = {}
    """Labels of the nodes that it may run on."""
    tolerations: tuple[Mapping[str, Any], ...] = ()
    """Taints that it puts up with."""
    runtime_class_name: str | None = None
    """RuntimeClass that runs it."""
    priority_class_name: str | None = None
    """Its PriorityClass."""
