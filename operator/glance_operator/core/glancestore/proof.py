"""The configuration with one store alone, by which it is proven."""

from __future__ import annotations

from glance_operator.api.glancestore import GlanceStoreSpec
from glance_operator.core import config, inputs
from glance_operator.core.config import Service, Store
from glance_operator.core.glancestore.observed import Api, Proof, View
from glance_operator.core.manifests import Blueprint

_LONGEST_NAME = 40  # of the store's in that of its probe


def wanted(spec: GlanceStoreSpec, api: Api | None) -> list[inputs.Input]:
    """What is read: the store's own, and the service's credentials where the store has none of its own."""
    own = inputs.of_store(spec)
    shared = spec.swift is not None and spec.swift.credentials_secret_ref is None
    return own + ([one for one in inputs.of_api(api.spec) if not one.word] if api and shared else [])


def proof_of(view: View) -> Proof:
    if view.api is None:
        raise AssertionError("there is no proof without a service")
    api, told = view.api, inputs.values(wanted(view.spec, view.api), view.found)
    store = Store(view.store_id, view.spec, told)
    files = config.proof(Service(api.spec, (store,), store.id, keystone=told))
    digest = config.digest(files)
    of = Blueprint(
        name=api.name,
        namespace=view.namespace,
        uid=api.uid,
        spec=api.spec,
        image=api.image,
        config=f"{view.name[:_LONGEST_NAME]}-probe-{digest}",
        stores=(store,),
        owner=("GlanceStore", view.name, view.uid),
    )
    return Proof(digest, of, files)
