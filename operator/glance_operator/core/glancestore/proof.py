"""The configuration with one store alone, by which it is proven."""

from __future__ import annotations

from glance_operator.api.glancestore import GlanceStoreSpec
from glance_operator.core import config, inputs
from glance_operator.core.config import Service, Store
from glance_operator.core.glancestore.observed import Api, Proof, View
from glance_operator.core.manifests import Blueprint, proofs

_CA = "keystone.ca"
_OF_KEYSTONE = ("swift", "s3")  # types whose clients trust what the service's pods trust


def wanted(spec: GlanceStoreSpec, api: Api | None) -> list[inputs.Input]:
    """What is read: the store's own, and the service's credentials where the store has none of its own."""
    own, theirs = inputs.of_store(spec), inputs.of_api(api.spec) if api else []
    shared = spec.swift is not None and spec.swift.credentials_secret_ref is None
    trusted = spec.type in _OF_KEYSTONE
    return own + [one for one in theirs if (shared and not one.word) or (trusted and one.word == _CA)]


def proof_of(view: View) -> Proof:
    """Raises ValueError with words for what the inputs say."""
    if view.api is None:
        raise AssertionError("there is no proof without a service")
    api, told = view.api, inputs.values(wanted(view.spec, view.api), view.found)
    ca = told.pop(_CA, "")
    store = Store(view.store_id, _whole(view.spec, api), told)
    service = Service(api.spec, (store,), store.id, cas={"keystone": ca} if ca else {})
    files = {**config.proof(service), proofs.DOCUMENT: proofs.document(store)}
    digest = config.digest(files)
    of = Blueprint(
        name=api.name,
        namespace=view.namespace,
        uid=api.uid,
        spec=api.spec,
        image=api.image,
        config=proofs.proof_name(view.name, digest),
        stores=(store,),
        owner=("GlanceStore", view.name, view.uid),
    )
    return Proof(digest, of, files)


def _whole(spec: GlanceStoreSpec, api: Api) -> GlanceStoreSpec:
    """With what it has from its service: another address of Keystone there has to be proven here first."""
    keystone = api.spec.auth.keystone
    if spec.swift is None or spec.swift.auth_url or keystone is None:
        return spec
    return spec.model_copy(update={"swift": spec.swift.model_copy(update={"auth_url": keystone.auth_url})})
