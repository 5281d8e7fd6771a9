"""The state of the simulated cloud and the questions asked of it.

Whether a replica is there, how much is used and how far a copy has come are not stored: they follow from the records and
the moment that is asked about. The world changes only by `apply`, with events that the journal has already kept; it knows
no HTTP. No question about one vault or backup costs more in a larger world: tests ask such questions ten thousand times.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from replication.sandbox.entities import Backup, OperationLog, Policy, Project, ReplicationRecord, Vault
from replication.sandbox.further_vaults import further_vaults
from replication.sandbox.progress import Stage

LOG_STATUSES = {
    Stage.WAITING: "waiting",
    Stage.RUNNING: "running",
    Stage.SUCCEEDED: "success",
    Stage.FAILED: "failed",
    Stage.SKIPPED: "skipped",
    Stage.TIMED_OUT: "timeout",
}


Listed = TypeVar("Listed")
_Many = dict[str, list[Listed]]


@dataclass(slots=True)
class World:
    """All projects with everything in them."""

    projects: dict[str, Project] = field(default_factory=dict)
    vaults: dict[str, Vault] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    operation_logs: dict[str, OperationLog] = field(default_factory=dict)
    records: dict[str, ReplicationRecord] = field(default_factory=dict)
    accepted: list[dict[str, Any]] = field(default_factory=list)
    #: What was changed of policies, in its order.
    policy_changes: list[dict[str, Any]] = field(default_factory=list)
    _backups: dict[str, Backup] = field(default_factory=dict)
    _replicas: dict[str, Backup] = field(default_factory=dict)
    _parent_ids: dict[str, str] = field(default_factory=dict)
    _records_by_replica: dict[str, ReplicationRecord] = field(default_factory=dict)
    _records_by_log: dict[str, ReplicationRecord] = field(default_factory=dict)
    _replicated_backups: dict[str, Backup] = field(default_factory=dict)
    _deleted_ids: set[str] = field(default_factory=set)
    _vaults_of: dict[str, dict[str, Vault]] = field(default_factory=lambda: defaultdict(dict))
    _backups_in: dict[str, dict[str, Backup]] = field(default_factory=lambda: defaultdict(dict))
    _logs_of: _Many[OperationLog] = field(default_factory=lambda: defaultdict(list))
    _records_from: _Many[ReplicationRecord] = field(default_factory=lambda: defaultdict(list))
    _records_into: _Many[ReplicationRecord] = field(default_factory=lambda: defaultdict(list))
    _failing_into: _Many[ReplicationRecord] = field(default_factory=lambda: defaultdict(list))
    _taken_mb: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add_project(self, project: Project) -> None:
        self.projects[project.id] = project

    def add_vault(self, vault: Vault) -> None:
        self.vaults[vault.id] = vault
        self._vaults_of[vault.project_id][vault.id] = vault

    def add_backup(self, backup: Backup) -> None:
        self._backups[backup.id] = backup
        self._backups_in[backup.vault_id][backup.id] = backup
        self._parent_ids.update(dict.fromkeys(backup.child_ids(), backup.id))

    def add_log(self, log: OperationLog) -> None:
        self.operation_logs[log.id] = log
        self._logs_of[log.project_id].append(log)
        self._logs_of[log.vault_id].append(log)

    def add_record(self, record: ReplicationRecord) -> None:
        """Add a record; it keeps sight of its backup as it was, should that be deleted later."""
        backup = self._backups[record.backup_id]
        replica = _replica(backup, record)
        self.records[record.id] = record
        self._replicated_backups[record.backup_id] = backup
        self._replicas[replica.id] = replica
        self._parent_ids.update(dict.fromkeys(replica.child_ids(), replica.id))
        self._records_by_replica[record.replica_id] = record
        self._records_by_log[record.log_id] = record
        for origin in (record.backup_id, record.vault_id, record.source_project_id):
            self._records_from[origin].append(record)
        self._records_into[record.destination_vault_id].append(record)
        if record.outcome is Stage.SUCCEEDED:
            self._taken_mb[record.destination_vault_id] += replica.stored_mb
        else:
            self._failing_into[record.destination_vault_id].append(record)

    def region_of(self, project_id: str) -> str:
        """Name the region of a project; nothing for one that is unknown or in no region."""
        project = self.projects.get(project_id)
        return project.region if project else ""

    def project_vaults(self, project_id: str) -> list[Vault]:
        return list(self._vaults_of.get(project_id, {}).values())

    def vault_in(self, project_id: str, vault_id: str) -> Vault | None:
        vault = self.vaults.get(vault_id)
        return vault if vault and vault.project_id == project_id else None

    def vault_name(self, vault_id: str) -> str:
        """Name a vault; nothing for one that has been deleted."""
        vault = self.vaults.get(vault_id)
        return vault.name if vault else ""

    def own_backups(self, vault_id: str) -> list[Backup]:
        """List the backups that were made into a vault."""
        return list(self._backups_in.get(vault_id, {}).values())

    def vault_backups(self, vault_id: str, now: datetime) -> Iterator[Backup]:
        """List what lies in a vault, arrived replicas included."""
        yield from self.own_backups(vault_id)
        for record in self._arrived_into(vault_id, now):
            yield self._replicas[record.replica_id]

    def project_backups(self, project_id: str, now: datetime) -> Iterator[Backup]:
        for vault in self.project_vaults(project_id):
            yield from self.vault_backups(vault.id, now)

    def find_backup(self, project_id: str, backup_id: str, now: datetime) -> Backup | None:
        """Find a backup, a replica or the part of either that covers one disk."""
        backup = self._find_whole_backup(self._parent_ids.get(backup_id, backup_id), now)
        if backup is None or backup.project_id != project_id:
            return None
        return next((part for part in (backup, *backup.children()) if part.id == backup_id), None)

    def replicated_backup(self, record: ReplicationRecord) -> Backup:
        return self._replicated_backups[record.backup_id]

    def used_mb(self, vault_id: str, now: datetime) -> int:
        """Count what lies in a vault."""
        own_mb = sum(backup.stored_mb for backup in self.own_backups(vault_id))
        arrived = self._arrived_into(vault_id, now)
        return own_mb + sum(self._replicas[record.replica_id].stored_mb for record in arrived)

    def taken_mb(self, vault_id: str, now: datetime) -> int:
        """Count the replicas in a vault and those promised to it that have not arrived yet."""
        underway = (record for record in self._failing_into.get(vault_id, ()) if record.is_underway(now))
        promised_mb = sum(self._replicas[record.replica_id].stored_mb for record in underway)
        return self._taken_mb.get(vault_id, 0) + promised_mb

    def records_from(self, origin_id: str) -> list[ReplicationRecord]:
        """List the records of what was replicated of a backup, out of a vault or out of a project."""
        return self._records_from.get(origin_id, [])

    def record_of_replica(self, replica_id: str) -> ReplicationRecord | None:
        return self._records_by_replica.get(replica_id)

    def replica_count(self, backup_id: str, now: datetime) -> int:
        return sum(
            record.replica_id not in self._deleted_ids
            and (record.is_underway(now) or record.has_arrived(now))
            for record in self.records_from(backup_id)
        )

    def occupies_region(self, record: ReplicationRecord, region: str, now: datetime) -> bool:
        """Tell whether a record stands in the way of replicating its backup to a region again."""
        return record.destination_region == region and (
            record.is_underway(now) or record.stage(now) is Stage.SUCCEEDED
        )

    def is_deleted(self, replica_id: str) -> bool:
        return replica_id in self._deleted_ids

    def logs_of(self, owner_id: str, now: datetime) -> Iterator[OperationLog]:
        """List the log of a project or a vault: its ordinary entries and one for each visible replication record."""
        yield from self._logs_of.get(owner_id, ())
        for record in self.records_from(owner_id):
            if record.is_visible(now):
                yield self._replication_log(record, now)

    def find_log(self, project_id: str, log_id: str, now: datetime) -> OperationLog | None:
        log, record = self.operation_logs.get(log_id), self._records_by_log.get(log_id)
        if record is not None and record.is_visible(now):
            log = self._replication_log(record, now)
        return log if log and log.project_id == project_id else None

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
            policy_id=record.policy_id,
            error_code=record.code if has_ended else "",
            error_message=record.reason if has_ended else "",
            record=record,
        )

    def apply(self, event: Mapping[str, Any]) -> None:
        """Carry out one kept event.

        Args:
            event: Its `kind` is replication, vault, vaults, vault_change, policy_change, backup or deletion; the rest are its facts.
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
                if policy := self.policies.get(event.get("policy_id", "")):
                    self.policies[policy.id] = replace(policy, vaults=(*policy.vaults, (facts["id"], "")))
            case "vaults":
                for vault, backups in further_vaults(event):
                    self.add_vault(vault)
                    for backup in backups:
                        self.add_backup(backup)
            case "vault_change":
                self.add_vault(replace(self.vaults[event["id"]], **event["changes"]))
            case "policy_change":
                self._change_policies(event["accepted"])
            case "backup":
                self._add_further_backup(event)
            case "deletion":
                self._delete(event["id"])

    def _change_policies(self, change: Mapping[str, Any]) -> None:
        self.policy_changes.append(dict(change))
        match change["operation"]:
            case "policies.create":
                policy = Policy.from_json(change["policy"])
                self.policies[policy.id] = policy
            case "policies.delete":
                del self.policies[change["policy_id"]]
            case "vaults.associatepolicy":
                policy = self.policies[change["policy_id"]]
                pair = (change["vault_id"], change["destination_vault_id"])
                self.policies[policy.id] = replace(policy, vaults=(*policy.vaults, pair))
            case "vaults.dissociatepolicy":
                self._part(self.policies[change["policy_id"]], change["vault_id"])

    def _part(self, policy: Policy, vault_id: str) -> None:
        left = tuple(pair for pair in policy.vaults if pair[0] != vault_id)
        self.policies[policy.id] = replace(policy, vaults=left)

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
        record = self._records_by_replica.get(object_id)
        if record is not None and record.outcome is Stage.SUCCEEDED and object_id not in self._deleted_ids:
            self._taken_mb[record.destination_vault_id] -= self._replicas[object_id].stored_mb
        self._deleted_ids.add(object_id)
        if (backup := self._backups.pop(object_id, None)) is not None:
            del self._backups_in[backup.vault_id][object_id]
        if (vault := self.vaults.pop(object_id, None)) is not None:
            del self._vaults_of[vault.project_id][object_id]
            for policy in list(self.policies.values()):
                self._part(policy, object_id)
            for backup_id in self._backups_in.pop(object_id, {}):
                del self._backups[backup_id]
            self._deleted_ids.update(record.replica_id for record in self._records_into.get(object_id, ()))

    def _arrived_into(self, vault_id: str, now: datetime) -> Iterator[ReplicationRecord]:
        for record in self._records_into.get(vault_id, ()):
            if record.has_arrived(now) and record.replica_id not in self._deleted_ids:
                yield record

    def _find_whole_backup(self, backup_id: str, now: datetime) -> Backup | None:
        record = self._records_by_replica.get(backup_id)
        if record is None:
            return self._backups.get(backup_id)
        is_there = record.has_arrived(now) and backup_id not in self._deleted_ids
        return self._replicas[backup_id] if is_there else None


def _replica(backup: Backup, record: ReplicationRecord) -> Backup:
    return replace(
        backup,
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
