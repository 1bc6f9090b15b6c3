"""Image: one image that Glance serves from every store named."""

from glance_operator.api.base import AGE, Column, Kind, condition_column
from glance_operator.api.image.spec import ImageSpec
from glance_operator.api.image.status import ImageStatus

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
    selectable=(".spec.glanceAPIRef.name",),
)

__all__ = ["IMAGE", "ImageSpec", "ImageStatus"]
