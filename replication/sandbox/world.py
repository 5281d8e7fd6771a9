"""The state of the simulated cloud and the questions asked of it.

Replicas, used capacity and progress are not stored: they follow from the replication records and the moment that is
asked about. The world changes only by `apply`, with events that the journal has already kept; it knows no HTTP.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from replication.sandbox.entities import Backup, OperationLog, Policy, Project, ReplicationRecord, Vault
from replication.sandbox.progress import Stage

LOG_STATUSES = {
    Stage.WAITING: "waiting",
    Stage.RUNNING: "running",
    Stage.SUCCEEDED: "success",
    Stage.FAILED: "failed",
    Stage.SKIPPED: "skipped",
    Stage.TIMED_OUT: "timeout",
}


@dataclass(slots=True)
class World:
    """All projects with everything in them."""

    projects: dict[str, Project] = field(default_factory=dict)
    vaults: dict[str, Vault] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    operation_logs: dict[str, OperationLog] = field(default_factory=dict)
    records: dict[str, ReplicationRecord] = field(default_factory=dict)
    accepted: list[dict[str, Any]] = field(default_factory=list)
    _backups: dict[str, Backup] = field(default_factory=dict)
    _ids_by_vault: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _records_by_backup: dict[str, list[ReplicationRecord]] = field(default_factory=lambda: defaultdict(list))
    _records_by_vault: dict[str, list[ReplicationRecord]] = field(default_factory=lambda: defaultdict(list))
    _records_by_destination: dict[str, list[ReplicationRecord]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _record_by_replica: dict[str, ReplicationRecord] = field(default_factory=dict)
    _replicated_backups: dict[str, Backup] = field(default_factory=dict)
    _deleted_ids: set[str] = field(default_factory=set)

    def add_project(self, project: Project) -> None:
        self.projects[project.id] = project

    def add_vault(self, vault: Vault) -> None:
        self.vaults[vault.id] = vault

    def add_backup(self, backup: Backup) -> None:
        self._backups[backup.id] = backup
        self._ids_by_vault[backup.vault_id].append(backup.id)

    def add_record(self, record: ReplicationRecord) -> None:
        """Add a record; it keeps sight of its backup as it was, should that be deleted later."""
        self.records[record.id] = record
        self._records_by_backup[record.backup_id].append(record)
        self._records_by_vault[record.vault_id].append(record)
        self._records_by_destination[record.destination_vault_id].append(record)
        self._record_by_replica[record.replica_id] = record
        self._replicated_backups[record.backup_id] = self._backups[record.backup_id]

    def region_of(self, project_id: str) -> str:
        """Name the region of a project; nothing for one that is unknown or in no region."""
        project = self.projects.get(project_id)
        return project.region if project else ""

    def project_vaults(self, project_id: str) -> list[Vault]:
        return [vault for vault in self.vaults.values() if vault.project_id == project_id]

    def vault_in(self, project_id: str, vault_id: str) -> Vault | None:
        vault = self.vaults.get(vault_id)
        return vault if vault and vault.project_id == project_id else None

    def vault_name(self, vault_id: str) -> str:
        """Name a vault; nothing for one that has been deleted."""
        vault = self.vaults.get(vault_id)
        return vault.name if vault else ""

    def vault_backups(self, vault_id: str, now: datetime) -> Iterator[Backup]:
        """List what lies in a vault, arrived replicas included."""
        for backup_id in self._ids_by_vault.get(vault_id, ()):
            yield self._backups[backup_id]
        for record in self._records_by_destination.get(vault_id, ()):
            if record.replica_id not in self._deleted_ids and record.has_arrived(now):
                yield self._replica(record)

    def project_backups(self, project_id: str, now: datetime) -> Iterator[Backup]:
        for vault in self.project_vaults(project_id):
            yield from self.vault_backups(vault.id, now)

    def find_backup(self, project_id: str, backup_id: str, now: datetime) -> Backup | None:
        """Find a backup, a replica or the part of a backup that covers one disk."""
        backup = self._backups.get(backup_id) or self._arrived_replica(backup_id, now)
        if backup is None:
            backup = next(
                (
                    child
                    for parent in self.project_backups(project_id, now)
                    for child in parent.children()
                    if child.id == backup_id
                ),
                None,
            )
        return backup if backup and backup.project_id == project_id else None

    def replicated_backup(self, record: ReplicationRecord) -> Backup:
        return self._replicated_backups[record.backup_id]

    def used_mb(self, vault_id: str, now: datetime) -> int:
        return sum(backup.stored_mb for backup in self.vault_backups(vault_id, now))

    def reserved_mb(self, vault_id: str, now: datetime) -> int:
        """Count what has been promised to a destination vault but has not arrived yet."""
        return sum(
            self.replicated_backup(record).stored_mb
            for record in self._records_by_destination.get(vault_id, ())
            if record.is_underway(now)
        )

    def records_of_backup(self, backup_id: str) -> list[ReplicationRecord]:
        return self._records_by_backup.get(backup_id, [])

    def records_of_vault(self, vault_id: str) -> list[ReplicationRecord]:
        return self._records_by_vault.get(vault_id, [])

    def replica_count(self, backup_id: str, now: datetime) -> int:
        return sum(
            record.replica_id not in self._deleted_ids
            and (record.is_underway(now) or record.has_arrived(now))
            for record in self.records_of_backup(backup_id)
        )

    def occupies_region(self, record: ReplicationRecord, region: str, now: datetime) -> bool:
        """Tell whether a record stands in the way of replicating its backup to a region again."""
        return record.destination_region == region and (
            record.is_underway(now) or record.stage(now) is Stage.SUCCEEDED
        )

    def is_deleted(self, replica_id: str) -> bool:
        return replica_id in self._deleted_ids

    def project_logs(self, project_id: str, now: datetime) -> Iterator[OperationLog]:
        """List the operation log of a project: its ordinary entries and one for each visible replication record."""
        for log in self.operation_logs.values():
            if log.project_id == project_id:
                yield log
        for record in self.records.values():
            if record.source_project_id == project_id and record.is_visible(now):
                yield self._replication_log(record, now)

    def _replication_log(self, record: ReplicationRecord, now: datetime) -> OperationLog:
        backup = self.replicated_backup(record)
        stage = record.stage(now)
        has_ended = not record.is_underway(now)
        return OperationLog(
            id=record.log_id,
            task_id=record.task_id,
            request_id=record.request_id,
            project_id=record.source_project_id,
            vault_id=record.vault_id,
            backup_id=record.backup_id,
            backup_name=backup.name,
            resource=backup.resource,
            checkpoint_id=backup.checkpoint_id,
            operation_type="replication",
            status=LOG_STATUSES[stage],
            created_at=record.accepted_at,
            started_at=None if stage in {Stage.WAITING, Stage.SKIPPED} else record.begins_at,
            ended_at=record.ends_at if has_ended else None,
            progress_percent=record.progress_percent(now),
            incremental=backup.incremental,
            error_code=record.code if has_ended else "",
            error_message=record.reason if has_ended else "",
            record=record,
        )

    def apply(self, event: Mapping[str, Any]) -> None:
        """Carry out one kept event.

        Args:
            event: Its `kind` is replication, vault, vault_change, backup or deletion; the rest are its facts.
        """
        match event["kind"]:
            case "replication":
                for document in event["records"]:
                    self.add_record(ReplicationRecord.from_json(document))
                self.accepted.append(event["accepted"])
            case "vault":
                facts = event["vault"]
                created_at = datetime.fromisoformat(facts["created_at"])
                self.add_vault(Vault(**facts | {"created_at": created_at, "resources": ()}))
            case "vault_change":
                self.add_vault(replace(self.vaults[event["id"]], **event["changes"]))
            case "backup":
                self._add_further_backup(event)
            case "deletion":
                self._delete(event["id"])

    def _add_further_backup(self, event: Mapping[str, Any]) -> None:
        vault = self.vaults[event["vault_id"]]
        self.add_backup(
            Backup(
                id=event["id"],
                name=event["name"],
                project_id=vault.project_id,
                vault_id=vault.id,
                checkpoint_id=event["checkpoint_id"],
                resource=vault.resources[0],
                created_at=datetime.fromisoformat(event["created_at"]),
                stored_mb=event["stored_mb"],
                automatic=False,
                contains_system_disk=event["contains_system_disk"],
                status=event["status"],
            )
        )

    def _delete(self, object_id: str) -> None:
        self._deleted_ids.add(object_id)
        if (backup := self._backups.pop(object_id, None)) is not None:
            self._ids_by_vault[backup.vault_id].remove(object_id)
        if self.vaults.pop(object_id, None) is not None:
            self._forget_backups(self._ids_by_vault.pop(object_id, []))
            self._deleted_ids.update(
                record.replica_id for record in self._records_by_destination.get(object_id, ())
            )

    def _forget_backups(self, backup_ids: Iterable[str]) -> None:
        for backup_id in backup_ids:
            del self._backups[backup_id]

    def _arrived_replica(self, replica_id: str, now: datetime) -> Backup | None:
        record = self._record_by_replica.get(replica_id)
        if record is None or replica_id in self._deleted_ids or not record.has_arrived(now):
            return None
        return self._replica(record)

    def _replica(self, record: ReplicationRecord) -> Backup:
        return replace(
            self.replicated_backup(record),
            id=record.replica_id,
            name=record.replica_name,
            description=record.replica_description,
            project_id=record.destination_project_id,
            vault_id=record.destination_vault_id,
            checkpoint_id=record.replica_checkpoint_id,
            created_at=record.ends_at,
            expires_at=None,
            image_type="replication",
            status="available",
            fails_with="",
        )
