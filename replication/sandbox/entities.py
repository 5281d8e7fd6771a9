"""The things a CBR cloud holds: projects, vaults, resources, backups, replication records, operation logs, policies.

Plain facts with their units in their names; neither JSON nor HTTP nor the clock is known here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Self
from uuid import NAMESPACE_OID, UUID, uuid5

from replication.sandbox.progress import Fate, Schedule, Stage, percent_at, stage_at

REGIONS = ("eu-de", "eu-nl")

SERVER = "OS::Nova::Server"
VOLUME = "OS::Cinder::Volume"
TURBO = "OS::Sfs::Turbo"

PROVIDERS = {
    SERVER: "0daac4c5-6707-4851-97ba-169e36266b66",
    VOLUME: "d1603440-187d-4516-af25-121250c7cc97",
    TURBO: "3f3c3220-245c-4805-b811-758870015881",
}
OBJECT_TYPES = {"server": SERVER, "disk": VOLUME, "turbo": TURBO}


@dataclass(frozen=True, slots=True)
class Project:
    """A project of the account."""

    id: str
    name: str
    enabled: bool = True

    @property
    def region(self) -> str:
        """Name the region, which is the part before the first underscore; built-in projects are in none."""
        prefix = self.name.split("_")[0]
        return prefix if prefix in REGIONS else ""


@dataclass(frozen=True, slots=True)
class Disk:
    """One disk of a server."""

    id: str
    name: str
    size_gb: int
    system: bool


@dataclass(frozen=True, slots=True)
class Resource:
    """What is backed up: a server, a disk or a file share."""

    id: str
    name: str
    type: str
    size_gb: int
    zone: str
    disks: tuple[Disk, ...] = ()
    protect_status: str = "available"


@dataclass(frozen=True, slots=True)
class Vault:
    """A vault; used capacity is not kept here but counted from what lies in it."""

    id: str
    name: str
    project_id: str
    user_id: str
    created_at: datetime
    object_type: str
    protect_type: str
    size_gb: int
    status: str = "available"
    description: str = ""
    resources: tuple[Resource, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    bind_tags: Mapping[str, str] = field(default_factory=dict)
    locked: bool = False
    auto_expand: bool = False
    auto_bind: bool = False

    @property
    def provider_id(self) -> str:
        return PROVIDERS[OBJECT_TYPES[self.object_type]]


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup of one resource, or, with a parent, the part of it that covers one disk."""

    id: str
    name: str
    project_id: str
    vault_id: str
    checkpoint_id: str
    resource: Resource
    created_at: datetime
    stored_mb: int
    status: str = "available"
    image_type: str = "backup"
    description: str = ""
    parent_id: str = ""
    automatic: bool = True
    expires_at: datetime | None = None
    contains_system_disk: bool = True
    encrypted: bool = False
    incremental: bool = False
    fails_with: str = ""

    def children(self) -> tuple["Backup", ...]:
        """List the parts of a server's backup, one per disk; ids follow from this backup's id."""
        return tuple(
            replace(
                self,
                id=self._child_id(disk),
                name=f"{self.name}_{disk.name}",
                resource=Resource(disk.id, disk.name, VOLUME, disk.size_gb, self.resource.zone),
                parent_id=self.id,
                contains_system_disk=disk.system,
                stored_mb=0,
            )
            for disk in self._parted_disks()
        )

    def child_ids(self) -> list[str]:
        return [self._child_id(disk) for disk in self._parted_disks()]

    def _child_id(self, disk: Disk) -> str:
        return str(uuid5(UUID(self.id), disk.id))

    def _parted_disks(self) -> list[Disk]:
        if self.resource.type != SERVER:
            return []
        return [disk for disk in self.resource.disks if self.contains_system_disk or not disk.system]


@dataclass(frozen=True, slots=True)
class ReplicationRecord:
    """One backup on its way to another region, with its whole future: when it begins, when it ends and how."""

    id: str
    log_id: str
    task_id: str
    request_id: str
    vault_id: str
    backup_id: str
    source_region: str
    source_project_id: str
    destination_region: str
    destination_project_id: str
    destination_vault_id: str
    replica_id: str
    replica_checkpoint_id: str
    replica_name: str
    replica_description: str
    auto_trigger: bool
    accepted_at: datetime
    visible_at: datetime
    begins_at: datetime
    ends_at: datetime
    outcome: Stage = Stage.SUCCEEDED
    code: str = ""
    reason: str = ""
    percent: int = 100
    #: Set when a policy of the cloud started it.
    policy_id: str = ""

    @property
    def schedule(self) -> Schedule:
        return Schedule(self.begins_at, self.ends_at)

    @property
    def fate(self) -> Fate:
        return Fate(self.outcome, self.code, self.reason, self.percent)

    def stage(self, now: datetime) -> Stage:
        return stage_at(now, self.schedule, self.fate)

    def progress_percent(self, now: datetime) -> int:
        return percent_at(now, self.schedule, self.fate)

    def is_visible(self, now: datetime) -> bool:
        return now >= self.visible_at

    def has_arrived(self, now: datetime) -> bool:
        return self.outcome is Stage.SUCCEEDED and not self.is_underway(now) and self.is_visible(now)

    def is_underway(self, now: datetime) -> bool:
        return now < self.ends_at

    def to_json(self) -> dict[str, Any]:
        document = {item.name: getattr(self, item.name) for item in fields(self)}
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in document.items()
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        values: dict[str, Any] = {
            name: datetime.fromisoformat(value) if name.endswith("_at") else value
            for name, value in document.items()
        }
        values["outcome"] = Stage(values["outcome"])
        return cls(**values)


@dataclass(frozen=True, slots=True)
class OperationLog:
    """An entry of the operation log; one of a replication carries the record that it tells of."""

    id: str
    task_id: str
    request_id: str
    project_id: str
    vault_id: str
    backup_id: str
    backup_name: str
    resource: Resource
    checkpoint_id: str
    operation_type: str
    status: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    progress_percent: int = 100
    incremental: bool = False
    policy_id: str = ""
    error_code: str = ""
    error_message: str = ""
    record: ReplicationRecord | None = None

    @property
    def provider_id(self) -> str:
        return PROVIDERS[self.resource.type]


@dataclass(frozen=True, slots=True)
class Policy:
    """A backup or replication policy and the vaults it is applied to, each with its destination vault or none."""

    id: str
    trigger_id: str
    name: str
    project_id: str
    operation_type: str
    enabled: bool
    definition: Mapping[str, Any]
    patterns: tuple[str, ...]
    created_at: datetime
    vaults: tuple[tuple[str, str], ...]

    def to_json(self) -> dict[str, Any]:
        document = {item.name: getattr(self, item.name) for item in fields(self)}
        return document | {"created_at": self.created_at.isoformat()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            **dict(document)
            | {
                "created_at": datetime.fromisoformat(document["created_at"]),
                "patterns": tuple(document["patterns"]),
                "vaults": tuple((source, target) for source, target in document["vaults"]),
            }
        )


def derived_id(*parts: object) -> str:
    """Compute the UUID that belongs to these words; the same words give the same id."""
    return str(uuid5(NAMESPACE_OID, "/".join(str(part) for part in parts)))
