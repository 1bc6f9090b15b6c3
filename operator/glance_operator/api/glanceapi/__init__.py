"""GlanceAPI: an image service."""

from glance_operator.api.base import AGE, Column, Kind, condition_column
from glance_operator.api.cel import Rule
from glance_operator.api.glanceapi.spec import GlanceAPISpec
from glance_operator.api.glanceapi.status import GlanceAPIStatus

GLANCE_API = Kind(
    kind="GlanceAPI",
    plural="glanceapis",
    short_name="gapi",
    description="An image service: OpenStack Glance with its database, its stores (GlanceStore) and its configuration.",
    spec=GlanceAPISpec,
    status=GlanceAPIStatus,
    columns=(
        condition_column("Ready", "status"),
        condition_column("Status", "reason"),
        Column("Replicas", ".status.readyReplicas", "integer"),
        Column("Stores", ".status.storesReady"),
        AGE,
        Column("Endpoint", ".status.endpoint", wide=True),
        Column("Version", ".status.version.release", wide=True),
        condition_column("Message", "message", wide=True),
    ),
    rules=(
        Rule(
            "self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
            "metadata.name must be a DNS label of at most 40 characters that begins with a letter: pods and services "
            "are named after it",
        ),
    ),
    scalable=True,
)

__all__ = ["GLANCE_API", "GlanceAPISpec", "GlanceAPIStatus"]
