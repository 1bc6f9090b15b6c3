"""GlanceStore: one place where image data lives, attached to one GlanceAPI."""

from glance_operator.api.base import AGE, Column, Kind, condition_column
from glance_operator.api.cel import Rule
from glance_operator.api.glancestore.spec import GlanceStoreSpec, not_reserved
from glance_operator.api.glancestore.status import GlanceStoreStatus

GLANCE_STORE = Kind(
    kind="GlanceStore",
    plural="glancestores",
    short_name="gstore",
    description="One place where image data lives, attached to one GlanceAPI. It stays while images live there.",
    spec=GlanceStoreSpec,
    status=GlanceStoreStatus,
    columns=(
        condition_column("Ready", "status"),
        condition_column("Status", "reason"),
        Column("Type", ".spec.type"),
        Column("Images", ".status.images", "integer"),
        Column("Available", ".status.capacity.available"),
        AGE,
        Column("GlanceAPI", ".spec.glanceAPIRef.name", wide=True),
        Column("StoreID", ".spec.storeID", wide=True),
        condition_column("Message", "message", wide=True),
    ),
    rules=(
        Rule(
            "has(self.spec.storeID) || (self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$')"
            f" && {not_reserved('self.metadata.name')})",
            "metadata.name cannot be Glance's id of the store (at most 63 of a-z, 0-9 and -, no name that Glance "
            "reserves): set spec.storeID",
        ),
    ),
    selectable=(".spec.glanceAPIRef.name",),
)

__all__ = ["GLANCE_STORE", "GlanceStoreSpec", "GlanceStoreStatus"]
