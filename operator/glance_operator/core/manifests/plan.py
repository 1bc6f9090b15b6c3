"""What the Kubernetes objects of one GlanceAPI are made of, and what all of them carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from glance_operator.api.base import GROUP, VERSION
from glance_operator.api.glanceapi import GlanceAPISpec
from glance_operator.core.config.places import Places
from glance_operator.core.config.service import Store

Object = dict[str, Any]
PORT_NAME = "api"
EPOCH, POLICY = f"{GROUP}/epoch", f"{GROUP}/policy"  # annotations of the template, and of pods
CACHE = f"{GROUP}/cache"  # of a pod whose cache lists nothing that an earlier pod had: its uid
ATTEMPT, WISH = f"{GROUP}/attempt", f"{GROUP}/wish"  # of jobs: the how-manieth it is, and at whose wish
NAME, INSTANCE, COMPONENT = (f"app.kubernetes.io/{word}" for word in ("name", "instance", "component"))
TRANSFERS = {NAME: "glance-transfer", COMPONENT: "transfer"}  # labels of pods that bring images to a service


@dataclass(frozen=True)
class Blueprint:
    """A GlanceAPI with everything that was resolved for it.

    uid: of the object, which owns all that is made. image: the container image. config: name of the Secret with the
    files of `core.config.files`. schema: what tells its database from others. stores: those in the configuration.
    operator: the operator's pods as a NetworkPolicy names them. domain: of the cluster's DNS. owner: kind, name and uid
    where it is not the GlanceAPI. epoch: another one restarts the pods, although no file has changed. sizes: by volume,
    of claims that come with a pod, where the running pods' template is to stay as it is.
    """

    name: str
    namespace: str
    uid: str
    spec: GlanceAPISpec
    image: str
    config: str
    schema: str = ""
    stores: tuple[Store, ...] = ()
    operator: Mapping[str, Any] = field(default_factory=dict)
    domain: str = "cluster.local"
    owner: tuple[str, str, str] | None = None
    epoch: str = ""
    sizes: Mapping[str, str] = field(default_factory=dict)
    places: Places = field(default_factory=Places)

    @property
    def pods(self) -> str:
        """The headless Service, which gives each pod its name."""
        return f"{self.name}-pods"

    @property
    def policy(self) -> str:
        """The Secret with policy.yaml, which changes under running pods."""
        return f"{self.name}-policy"

    @property
    def scheme(self) -> str:
        return "https" if self.spec.tls else "http"


def selector(of: Blueprint, component: str = "api") -> dict[str, str]:
    """The labels by which pods are found; jobs have another component, so that no Service sends them requests."""
    return {NAME: "glance", INSTANCE: of.name, COMPONENT: component}


def labels(of: Blueprint, component: str = "api") -> dict[str, str]:
    return {**selector(of, component), "app.kubernetes.io/managed-by": "glance-operator"}


def owned(
    of: Blueprint,
    kind: str,
    api_version: str,
    name: str,
    component: str = "api",
    annotations: Mapping[str, str] | None = None,
    **parts: Any,
) -> Object:
    """An object of ours: it goes with its GlanceAPI. parts: spec, data and the like; annotations are the user's."""
    whose, its_name, uid = of.owner or ("GlanceAPI", of.name, of.uid)
    owner = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": whose,
        "name": its_name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
    meta: Object = {
        "name": name,
        "namespace": of.namespace,
        "labels": labels(of, component),
        "ownerReferences": [owner],
    }
    if annotations:
        meta["annotations"] = dict(annotations)
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, **parts}


def given(values: Mapping[str, Any]) -> Object:
    """Without what is not given; order makes no difference to anybody who compares."""
    return {name: value for name, value in values.items() if value is not None}
