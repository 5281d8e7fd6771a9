"""Remembers which backup a replica was made from, as long as the cloud still names it.

The name goes with the source backup: once that has expired, nobody can ask any more. Only what the cloud itself says
is kept here; guesses are made by the comparison, and marked as such.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from replication import cloud
from replication.models import Backup, Evidence, OperationLog, Project, ReplicaOrigin, Vault

#: Rows a statement, below the parameter limit of SQLite.
_SLICE = 500


def keep_told(project: Project, backups: Iterable[cloud.Backup], now: datetime) -> None:
    """Keep what the replication records on a project's backups name. One query where nothing is new, none without."""
    found: dict[str, ReplicaOrigin] = {}
    for backup in backups:
        for record in backup.replication_records or ():
            # A replica may carry the record that made it; then it is the replica itself that names its source.
            is_source = (
                record.source_backup_id in {"", backup.id} and record.destination_backup_id != backup.id
            )
            replica_id = (record.destination_backup_id if is_source else backup.id)[:64]
            source_id = (backup.id if is_source else record.source_backup_id)[:64]
            if replica_id and source_id:
                found[replica_id] = ReplicaOrigin(
                    replica_id=replica_id,
                    source_vault_id=(backup.vault_id if is_source else record.vault_id)[:64],
                    source_backup_id=source_id,
                    is_automatic=record.auto_trigger,
                    told_by=Evidence.RECORDS,
                    told_at=now,
                )
    if not found:
        return
    own_vaults = Vault.objects.filter(project=project).values("vault_id")
    own_backups = Backup.objects.filter(vault__project=project).values("backup_id")
    known = ReplicaOrigin.objects.filter(Q(source_vault_id__in=own_vaults) | Q(replica_id__in=own_backups))
    _add(found, set(known.values_list("replica_id", flat=True)))


def keep_logged(logs: Iterable[cloud.OperationLog], now: datetime) -> None:
    """Keep what operation logs name of replicas, which the sibling Huawei cloud's do. No query where they do not."""
    found = {
        log.replication.destination_backup_id: ReplicaOrigin(
            replica_id=log.replication.destination_backup_id[:64],
            source_vault_id=log.vault_id[:64],
            source_backup_id=log.replication.source_backup_id[:64],
            is_automatic=bool(log.policy_id),
            told_by=Evidence.LOG,
            told_at=now,
        )
        for log in logs
        if log.operation_type in OperationLog.REPLICATIONS
        and log.replication
        and log.replication.destination_backup_id
        and log.replication.source_backup_id
    }
    if found:
        vaults = {origin.source_vault_id for origin in found.values()}
        known = ReplicaOrigin.objects.filter(source_vault_id__in=sorted(vaults)[:_SLICE])
        _add(found, set(known.values_list("replica_id", flat=True)))


def _add(found: dict[str, ReplicaOrigin], known: set[str]) -> None:
    """Insert what is not known yet. What was named once stays as it was named first."""
    fresh = [origin for replica_id, origin in sorted(found.items()) if replica_id not in known]
    if fresh:
        ReplicaOrigin.objects.bulk_create(fresh, batch_size=_SLICE, ignore_conflicts=True)
