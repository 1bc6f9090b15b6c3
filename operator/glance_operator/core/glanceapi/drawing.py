"""What a GlanceAPI should become: its configuration and its objects, once everything they are made of is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from glance_operator.core import certificates, config, inputs
from glance_operator.core.certificates import Certificate
from glance_operator.core.config import Service
from glance_operator.core.glanceapi import volumes
from glance_operator.core.glanceapi.observed import Member, View
from glance_operator.core.manifests import Blueprint, Record, config_name, extras, kept, schema_of

_AUTHORITIES = ("database", "keystone", "tls")


@dataclass(frozen=True)
class Drawing:
    """The view, and what was drawn from it."""

    view: View
    of: Blueprint
    files: dict[str, str] = field(repr=False)
    policy: str
    certificate: Certificate | None = None

    @property
    def running(self) -> bool:
        """Every pod has this configuration, and serves."""
        workload = self.view.workload
        return workload is not None and workload.rolled_out and workload.config == self.of.config

    @property
    def record(self) -> Record:
        """Rules are forgotten when the pods that knew them are told to start anew."""
        wanted, known = tuple(sorted(self.view.spec.policy or {})), self.view.record.rules
        told = self.view.workload is not None and self.view.workload.epoch == _epoch(wanted)
        rules = wanted if told else tuple(sorted({*wanted, *known}))
        made = tuple(sorted({*self.view.record.extras, *extras(self.of)}))
        return Record(kept(self.of, self.view.record.configs), rules, made)

    @property
    def members(self) -> tuple[Member, ...]:
        return attached(self.view)


def attached(view: View) -> tuple[Member, ...]:
    """The stores of the configuration: those that can be used, and those that were in it before, come what may.

    Only a store that is being deleted and holds nothing leaves it.
    """
    old = view.memory.stores
    wanted = [m for m in view.members if (not m.empty if m.id in old else m.usable and not m.deleted)]
    return tuple(sorted(wanted, key=lambda member: member.id))


def default(view: View) -> Member | None:
    """The store of images that name none: the one that was named, or the only one."""
    stores, ref = attached(view), view.spec.default_store_ref
    if ref:
        return next((member for member in stores if member.name == ref.name), None)
    return stores[0] if len(stores) == 1 else None


def draw(view: View) -> Drawing:
    """Needs all inputs, a default store, and what was proven of each. Raises ValueError with words for the inputs."""
    told = inputs.values(inputs.of_api(view.spec), view.found)
    served = certificates.read(told["tls.crt"]) if view.spec.tls else None
    if served and not told["tls.ca"]:  # who vouches for itself is to be trusted as it is
        told["tls.ca"] = served.roots.strip()
    service = _service(view, told)
    files = config.files(service)
    name = config_name(view.name, files)
    rolls = view.workload is None or (view.workload.config, view.workload.image) != (name, view.image)
    of = Blueprint(
        name=view.name,
        namespace=view.namespace,
        uid=view.uid,
        spec=view.spec,
        image=view.image,
        config=name,
        schema=schema_of(service.connection or ""),
        stores=service.stores,
        operator=view.operator,
        epoch=_epoch_of(view),
        sizes=volumes.template_sizes(view, rolls=rolls),
    )
    return Drawing(view, of, files, config.policy(service), served)


def _service(view: View, told: dict[str, str]) -> Service:
    """told: what the inputs say; what is left of it when everybody has taken his part are Keystone's credentials."""
    first = default(view)
    if first is None:
        raise AssertionError("nothing is drawn before there is a default store")
    return Service(
        view.spec,
        tuple(member.proven for member in attached(view) if member.proven),
        first.id,
        connection=told.pop("connection", None),
        transport_url=told.pop("transport", None),
        cas={whose: f"{told.pop(f'{whose}.ca')}\n" for whose in _AUTHORITIES if f"{whose}.ca" in told},
        certificate={file: f"{told.pop(file)}\n" for file in ("tls.crt", "tls.key") if view.spec.tls},
        keystone=told,
    )


def _epoch_of(view: View) -> str:
    """Glance takes up changed and added rules as it runs; to forget one that was taken away it has to start anew."""
    wanted = tuple(sorted(view.spec.policy or {}))
    if set(view.record.rules) - set(wanted):
        return _epoch(wanted)
    return view.workload.epoch if view.workload else ""


def _epoch(rules: Sequence[str]) -> str:
    return config.digest({"rules": ",".join(rules)})
