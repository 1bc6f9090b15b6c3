"""The spec of a GlanceAPI, and the rules between its fields."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from glance_operator.api.base import Duration, Model, NameRef, NameRefs, line, within
from glance_operator.api.cel import Rule
from glance_operator.api.glanceapi.config import ExtraConfig, Logging, Policy
from glance_operator.api.glanceapi.connections import Auth, Database
from glance_operator.api.glanceapi.images import Formats, Housekeeping, Imports, Metadefs, Quotas, Signatures
from glance_operator.api.glanceapi.network import Ingress, NetworkPolicy, Notifications, Service, Tls
from glance_operator.api.glanceapi.pod import Pod, PodDisruptionBudget, Server
from glance_operator.api.glanceapi.volumes import Cache, PersistentVolumeClaimRetentionPolicy, Staging


class GlanceAPISpec(Model):
    """What is wanted. The rules judge only what one object says; what depends on others is said by a condition."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.database.sqlite) || self.replicas <= 1",
            "replicas must be 0 or 1 with database.sqlite: use a database server (database.connectionSecretRef)",
            field="replicas",
        ),
        Rule(
            "!has(self.quotas) || (has(self.auth.keystone) && has(self.auth.keystone.adminCredentialsRef))",
            "quotas needs auth.keystone.adminCredentialsRef: limits are registered in Keystone by an administrator",
            field="quotas",
        ),
        Rule(
            "!has(self.auth.trusted) || self.replicas <= 1 || (has(self.staging) && (has(self.staging.nfs)"
            " || (has(self.staging.pvc) && (!has(self.staging.pvc.accessModes)"
            " || 'ReadWriteMany' in self.staging.pvc.accessModes))))",
            "staging must be shared with auth.trusted and more than one replica (staging.pvc with ReadWriteMany, or"
            " staging.nfs): without Keystone no pod can ask another one for what that has staged",
            field="staging",
        ),
    )

    image: Annotated[str, line(512, pattern=r"^[^\s\x00-\x1f\x7f]+$")] | None = None
    """Container image of Glance; absent = the operator's setting."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    """When the image is pulled; absent = as Kubernetes does."""
    image_pull_secrets: NameRefs | None = None
    """Secrets for the registry."""
    replicas: Annotated[int, within(0, 32)] = 1
    """Number of API pods; at most one with database.sqlite."""
    default_store_ref: NameRef | None = None
    """GlanceStore that takes images which name no store; needed with more than one store."""
    database: Database
    """Where Glance keeps its records."""
    auth: Auth
    """Who vouches for the users."""
    imports: Imports | None = None
    """How images come in."""
    staging: Staging | None = None
    """Where an import's bytes wait for their stores; absent = a directory of the node, per pod. With auth.trusted and
    more than one replica it must be shared."""
    cache: Cache | None = None
    """A cache of images on a volume of each pod; absent = none."""
    persistent_volume_claim_retention_policy: PersistentVolumeClaimRetentionPolicy | None = None
    """What becomes of the claims made for it (staging, a trial's database); absent = they stay."""
    formats: Formats | None = None
    """Formats that the service takes."""
    policy: Policy | None = None
    """Rules of policy.yaml that differ from Glance's own; taken up without a restart."""
    metadefs: Metadefs | None = None
    """Metadata definitions; absent = those that come with Glance."""
    quotas: Quotas | None = None
    """Limits per project (Keystone's unified limits); absent = none are enforced."""
    signatures: Signatures | None = None
    """Verification of signed images; absent = by the key manager in Keystone's catalog."""
    housekeeping: Housekeeping | None = None
    """What is done regularly; absent = the records of deleted images are purged after 30 days."""
    server: Server | None = None
    """Processes and threads in each pod."""
    drain_timeout: Annotated[Duration, Rule("duration(self) <= duration('24h')", "must be at most 24h")] = "10m"
    """How long a stopping pod may finish its imports."""
    service: Service | None = None
    """The Service in front of the pods; absent = a ClusterIP at port 9292."""
    ingress: Ingress | None = None
    """An Ingress for users outside the cluster; absent = none."""
    tls: Tls | None = None
    """TLS served by the pods themselves; absent = plain http in the cluster."""
    pod: Pod | None = None
    """Additions to the pods."""
    logging: Logging | None = None
    """What Glance writes to its log."""
    notifications: Notifications | None = None
    """Glance's notifications on a message bus; absent = none."""
    network_policy: NetworkPolicy | None = None
    """A NetworkPolicy for the API's port; absent = none, except with auth.trusted."""
    pod_disruption_budget: PodDisruptionBudget | None = None
    """What a drain of nodes leaves running; absent = one pod may go at a time."""
    extra_config: ExtraConfig | None = None
    """Further options of glance-api.conf, by section. Put values in quotes ("true", "10"): they are strings."""
    suspend: bool = False
    """Touch nothing for this object."""
