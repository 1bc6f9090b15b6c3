"""Certificates for services with TLS, as their users bring them."""

from __future__ import annotations

from typing import Any

from sandbox_kit.pki import Authority, Pair


def names(namespace: str) -> list[str]:
    """For which a certificate has to be good: the service's, and that of each of its pods."""
    return [f"glance.{namespace}.svc.cluster.local", f"*.glance-pods.{namespace}.svc.cluster.local"]


def secret(authority: Authority, pair: Pair) -> dict[str, Any]:
    """The Secret `web`, as cert-manager would write it."""
    files = {"tls.crt": pair.cert, "tls.key": pair.key, "ca.crt": authority.pair.cert}
    data = {name: path.read_text() for name, path in files.items()}
    meta = {"name": "web"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "kubernetes.io/tls", "stringData": data}
