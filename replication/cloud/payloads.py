"""What goes over the wire, as frozen dataclasses: one order out, and what Open Telekom Cloud answers in.

Unknown fields are ignored, the cloud's words are kept as they are, times become aware UTC, and a field that we need
and that is missing is an error with its name. Absent optional strings are empty; absent optional numbers are none: what is missing is not zero.
Nothing here knows how an answer was fetched.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .errors import Unreadable
from .fields import Fields


@dataclass(frozen=True, slots=True)
class ReplicateOrder:
    """The request to replicate a whole vault. API: CopyCheckpoint, replicate."""

    vault_id: str
    destination_region: str
    destination_project_id: str
    destination_vault_id: str
    auto_trigger: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the documented body, and nothing that only the sibling Huawei cloud documents."""
        return {
            "replicate": {
                "vault_id": self.vault_id,
                "destination_region": self.destination_region,
                "destination_project_id": self.destination_project_id,
                "destination_vault_id": self.destination_vault_id,
                "auto_trigger": self.auto_trigger,
            }
        }

    def read_answer(self, document: object, *, request_id: str = "") -> "AcceptedReplication":
        """Read what the cloud answered to this order.

        Raises:
            Unreadable: it is not as documented, or about something else.
        """
        return AcceptedReplication.from_json(document, order=self, request_id=request_id)


@dataclass(frozen=True, slots=True)
class BackupOrder:
    """The request to replicate one backup. API: CopyBackup, replicate."""

    #: In the address, not in the body.
    backup_id: str
    destination_region: str
    destination_project_id: str
    destination_vault_id: str
    #: Name of the replica, 1-64 characters; the cloud chooses one when empty.
    name: str = ""
    #: Description of the replica, up to 255 characters.
    description: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the documented body; what may be left out is left out when empty, since a name must not be empty."""
        wishes = {
            "destination_region": self.destination_region,
            "destination_project_id": self.destination_project_id,
            "destination_vault_id": self.destination_vault_id,
            "name": self.name,
            "description": self.description,
        }
        return {"replicate": {field: value for field, value in wishes.items() if value}}

    def read_answer(self, document: object, *, request_id: str = "") -> "AcceptedReplication":
        """Read what the cloud answered to this order.

        Raises:
            Unreadable: it is not as documented, or about something else.
        """
        return AcceptedReplication.from_backup_json(document, order=self, request_id=request_id)


@dataclass(frozen=True, slots=True)
class AcceptedBackup:
    """One backup that the cloud has scheduled. The backup is the source's, not the replica."""

    backup_id: str
    replication_record_id: str


@dataclass(frozen=True, slots=True)
class AcceptedReplication:
    """The answer to an order. API: CopyCheckpoint and CopyBackup, replication.

    An empty list of backups is a valid answer to the order for a vault: there was nothing to replicate. That for one
    backup is answered with exactly one.
    """

    #: Source vault; empty in the answer about one backup, which does not tell it.
    vault_id: str
    source_region: str
    destination_region: str
    destination_project_id: str
    destination_vault_id: str
    project_id: str
    provider_id: str
    backups: tuple[AcceptedBackup, ...]
    #: The cloud's id of the call that was accepted.
    request_id: str
    #: The answer in full, as parsed JSON.
    document: Mapping[str, Any] = field(repr=False)

    @classmethod
    def from_json(
        cls, document: object, where: str = "", *, order: ReplicateOrder, request_id: str = ""
    ) -> "AcceptedReplication":
        """Read the answer to an order.

        Raises:
            Unreadable: a field is missing, echoes another order, or a record id stands twice.
        """
        whole = Fields.of(document, where or "the answer")
        answer = Fields(whole.values, where).inner("replication", needed=True)
        for name in ("vault_id", "destination_region", "destination_project_id", "destination_vault_id"):
            _require_echo(answer, name, getattr(order, name))
        backups = tuple(
            AcceptedBackup(
                backup_id=one.id("backup_id"), replication_record_id=one.id("replication_record_id")
            )
            for one in (Fields.of(item, place) for item, place in answer.needed_items("backups"))
        )
        if len({one.replication_record_id for one in backups}) != len(backups):
            raise Unreadable(f"{answer.where}.backups: a replication_record_id stands twice.")
        return cls(
            vault_id=order.vault_id,
            source_region=answer.text("source_region"),
            destination_region=order.destination_region,
            destination_project_id=order.destination_project_id,
            destination_vault_id=order.destination_vault_id,
            project_id=answer.text("project_id"),
            provider_id=answer.text("provider_id"),
            backups=backups,
            request_id=request_id,
            document=whole.values,
        )

    @classmethod
    def from_backup_json(
        cls, document: object, where: str = "", *, order: BackupOrder, request_id: str = ""
    ) -> "AcceptedReplication":
        """Read the answer to an order for one backup.

        Raises:
            Unreadable: a field is missing, or echoes another order.
        """
        whole = Fields.of(document, where or "the answer")
        answer = Fields(whole.values, where).inner("replication", needed=True)
        for name in ("backup_id", "destination_region", "destination_project_id", "destination_vault_id"):
            _require_echo(answer, name, getattr(order, name))
        return cls(
            vault_id="",
            source_region=answer.text("source_region"),
            destination_region=order.destination_region,
            destination_project_id=order.destination_project_id,
            destination_vault_id=order.destination_vault_id,
            project_id=answer.text("project_id"),
            provider_id=answer.text("provider_id"),
            backups=(AcceptedBackup(order.backup_id, answer.id("replication_record_id")),),
            request_id=request_id,
            document=whole.values,
        )


def _require_echo(answer: Fields, name: str, ordered: str) -> None:
    echoed = answer.text(name, needed=True)
    if echoed != ordered:
        raise Unreadable(
            f"{answer.where}.{name}: the answer is about {echoed[:64]!r}, the order was about {ordered!r}."
        )


@dataclass(frozen=True, slots=True)
class VaultResource:
    """A server, disk or file system whose backups a vault holds. API: ListVaults, vaults[].resources[]."""

    id: str
    name: str
    type: str
    size_gb: int | None
    backup_count: int | None
    protect_status: str

    @classmethod
    def from_json(cls, value: object, where: str = "resource") -> "VaultResource":
        """Read one resource.

        Raises:
            Unreadable: a field is missing or of the wrong type.
        """
        resource = Fields.of(value, where)
        return cls(
            id=resource.id("id"),
            name=resource.text("name"),
            type=resource.text("type"),
            size_gb=resource.whole_if_told("size"),
            backup_count=resource.whole_if_told("backup_count"),
            protect_status=resource.text("protect_status"),
        )


@dataclass(frozen=True, slots=True)
class Vault:
    """A vault, for backups or for replicas. API: ListVaults, vaults[]."""

    id: str
    name: str
    description: str
    project_id: str
    provider_id: str
    #: API: billing.status: available, lock, frozen, deleting, error.
    status: str
    #: API: billing.protect_type: backup, replication.
    protect_type: str
    #: API: billing.object_type: server, disk, turbo.
    object_type: str
    #: API: billing.size, in GB.
    size_gb: int
    #: API: billing.used, in MB where its neighbours are in GB.
    used_mb: int
    #: API: billing.allocated, in GB.
    allocated_gb: int | None
    auto_expand: bool | None
    locked: bool | None
    created_at: datetime | None
    resources: tuple[VaultResource, ...]
    #: Key and value of each. API: tags[] {key, value}; a value may be empty.
    tags: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_json(cls, value: object, where: str = "vault") -> "Vault":
        """Read one vault.

        Raises:
            Unreadable: a field is missing or of the wrong type.
        """
        vault = Fields.of(value, where)
        billing = vault.inner("billing", needed=True)
        return cls(
            id=vault.id("id"),
            name=vault.text("name"),
            description=vault.text("description"),
            project_id=vault.text("project_id"),
            provider_id=vault.text("provider_id"),
            status=billing.text("status", needed=True),
            protect_type=billing.text("protect_type", needed=True),
            object_type=billing.text("object_type", needed=True),
            size_gb=billing.whole("size"),
            used_mb=billing.whole("used"),
            allocated_gb=billing.whole_if_told("allocated"),
            auto_expand=vault.flag("auto_expand"),
            locked=vault.flag("locked"),
            created_at=vault.moment("created_at"),
            resources=tuple(VaultResource.from_json(*item) for item in vault.items("resources")),
            tags=tuple(
                (key, tag.text("value"))
                for tag in (Fields.of(*item) for item in vault.items("tags"))
                if (key := tag.text("key"))
            ),
        )


@dataclass(frozen=True, slots=True)
class ReplicationRecord:
    """One backup's replication as the backup itself tells it.

    API: ListBackups, backups[].replication_records[]; documented by the sibling Huawei cloud only.
    """

    #: The replication_record_id of the answer that accepted it.
    id: str
    #: waiting_replicate, replicating, success, fail, skip; or a word that we do not know.
    status: str
    created_at: datetime | None
    source_backup_id: str
    #: The vault of the backup that carries the record.
    vault_id: str
    destination_region: str
    destination_project_id: str
    destination_vault_id: str
    #: The replica; empty until there is one.
    destination_backup_id: str
    progress_percent: int | None
    fail_code: str
    fail_reason: str
    #: API: extra_info.auto_trigger: whether a policy started it. None: this cloud does not tell.
    auto_trigger: bool | None = None

    @classmethod
    def from_json(cls, value: object, where: str = "replication_record") -> "ReplicationRecord":
        """Read one record.

        Raises:
            Unreadable: a field is missing or of the wrong type.
        """
        record = Fields.of(value, where)
        extra = record.loose("extra_info")
        return cls(
            id=record.id("id"),
            status=record.text("status", needed=True),
            created_at=record.moment("created_at"),
            source_backup_id=record.text("source_backup_id"),
            vault_id=record.text("vault_id"),
            destination_region=record.text("destination_region"),
            destination_project_id=record.text("destination_project_id"),
            # The misspelling is on the wire of some regions, as the Terraform provider of Huawei knows.
            destination_vault_id=record.text("destination_vault_id")
            or extra.text("destination_vault_id")
            or extra.text("destinatio_vault_id"),
            destination_backup_id=record.text("destination_backup_id"),
            progress_percent=extra.percent("progress"),
            fail_code=extra.text("fail_code"),
            fail_reason=extra.text("fail_reason"),
            auto_trigger=extra.flag("auto_trigger"),
        )


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup of one resource, or a replica of one. API: ListBackups, backups[]."""

    id: str
    name: str
    project_id: str
    vault_id: str
    checkpoint_id: str
    resource_id: str
    resource_name: str
    resource_type: str
    #: API: resource_size, in GB.
    resource_size_gb: int | None
    #: available, protecting, deleting, restoring, error, waiting_protect, waiting_delete, waiting_restore.
    status: str
    #: backup, or replication for a replica.
    image_type: str
    provider_id: str
    created_at: datetime | None
    updated_at: datetime | None
    protected_at: datetime | None
    expired_at: datetime | None
    contain_system_disk: bool | None
    encrypted: bool | None
    incremental: bool | None
    #: None: this cloud does not tell. Empty: it tells that there are none.
    replication_records: tuple[ReplicationRecord, ...] | None

    @classmethod
    def from_json(cls, value: object, where: str = "backup") -> "Backup":
        """Read one backup; its children, one for each disk, are left out.

        Raises:
            Unreadable: a field is missing or of the wrong type.
        """
        backup = Fields.of(value, where)
        details = backup.loose("extend_info")
        incremental = details.flag("incremental")
        told = backup.values.get("replication_records") is not None
        records = tuple(ReplicationRecord.from_json(*item) for item in backup.items("replication_records"))
        return cls(
            id=backup.id("id"),
            name=backup.text("name"),
            project_id=backup.text("project_id"),
            vault_id=backup.id("vault_id"),
            checkpoint_id=backup.text("checkpoint_id"),
            resource_id=backup.text("resource_id"),
            resource_name=backup.text("resource_name"),
            resource_type=backup.text("resource_type"),
            resource_size_gb=backup.whole_if_told("resource_size"),
            status=backup.text("status", needed=True),
            image_type=backup.text("image_type"),
            provider_id=backup.text("provider_id"),
            created_at=backup.moment("created_at"),
            updated_at=backup.moment("updated_at"),
            protected_at=backup.moment("protected_at"),
            expired_at=backup.moment("expired_at"),
            contain_system_disk=details.flag("contain_system_disk"),
            encrypted=details.flag("encrypted"),
            incremental=backup.flag("incremental") if incremental is None else incremental,
            replication_records=records if told else None,
        )
