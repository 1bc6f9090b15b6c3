"""Image: one image that Glance serves from every store named."""

from glance_operator.api.base import AGE, Column, Kind, condition_column
from glance_operator.api.cel import Rule
from glance_operator.api.image.spec import ImageSpec
from glance_operator.api.image.status import ImageStatus


def _not_itself(field: str) -> Rule:
    refers = f"has(self.spec.{field})"
    return Rule(
        f"!{refers} || self.spec.{field}.name != self.metadata.name",
        f"{field} must name another Image: this one cannot wait for itself",
        field=f"spec.{field}",
    )


IMAGE = Kind(
    kind="Image",
    plural="images",
    short_name="gimg",
    description="One image that Glance serves from every store named: content, stores and what is said about it.",
    spec=ImageSpec,
    status=ImageStatus,
    columns=(
        condition_column("Ready", "status"),
        condition_column("Status", "reason"),
        Column("Stores", ".status.storesReady"),
        Column("Progress", ".status.progress"),
        Column("Size", ".status.size"),
        AGE,
        Column("ID", ".status.id", wide=True),
        Column("Visibility", ".spec.visibility", wide=True),
        condition_column("Message", "message", wide=True),
    ),
    rules=(_not_itself("kernelRef"), _not_itself("ramdiskRef")),
    selectable=(".spec.glanceAPIRef.name",),
)

__all__ = ["IMAGE", "ImageSpec", "ImageStatus"]
