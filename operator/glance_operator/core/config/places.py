"""Where things are in a pod of a GlanceAPI."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Places:
    """Directories and files, below `root` (nothing in a pod)."""

    root: str = ""
    python: str = "/opt/glance/bin/python3"

    @property
    def etc(self) -> str:
        """The configuration: read-only, it never changes under a running pod."""
        return f"{self.root}/etc/glance"

    @property
    def policy(self) -> str:
        """The policy: it changes under a running pod."""
        return f"{self.root}/etc/glance-policy/policy.yaml"

    @property
    def staging(self) -> str:
        return f"{self.root}/var/lib/glance/staging"

    @property
    def cache(self) -> str:
        return f"{self.root}/var/lib/glance/cache"

    @property
    def work(self) -> str:
        """Of one pod: locks, and what Glance calls tasks."""
        return f"{self.root}/var/lib/glance/work"

    @property
    def database(self) -> str:
        """A trial's SQLite file."""
        return f"{self.root}/var/lib/glance/database/glance.sqlite"

    @property
    def metadefs(self) -> str:
        """The metadata definitions that come with Glance, beside its program."""
        return f"{self.python.rpartition('/bin/')[0]}/etc/glance/metadefs"

    @property
    def run(self) -> str:
        """Of one pod: the file that takes it out of service, the socket of uWSGI's figures."""
        return f"{self.root}/run/glance"

    @property
    def authorities(self) -> str:
        """All that Python's clients trust, put together when a pod starts."""
        return f"{self.run}/authorities.crt"

    def store(self, store_id: str) -> str:
        """The file system of a store."""
        return f"{self.root}/stores/{store_id}"
