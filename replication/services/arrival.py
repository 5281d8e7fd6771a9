"""Recognises the replicas of a replication in its destination vault.

Pure rules over what was read there, but for two questions to the database: which replicas belong to others, and which
others a replica without an owner may belong to.
"""

from collections.abc import Iterable
from datetime import datetime

from replication import cloud
from replication.lifecycle import RecordStatus
from replication.models import Evidence, Replication, ReplicationRecord

from . import evidence


def mark_arrivals(
    replication: Replication,
    records: list[ReplicationRecord],
    replicas: Iterable[cloud.Backup],
    now: datetime,
) -> list[ReplicationRecord]:
    """Mark the records whose replica is in the destination vault. Returns those that changed.

    A replica names its source only where the cloud offers replication records. Elsewhere it is known by its resource
    and name; where several replicas of one server cannot be told apart, they arrive when all of them are there. A
    single backup's replica has the name that was asked for.
    """
    recent = evidence.new_replicas(replication, replicas)
    by_source = _sources_named_by(recent)
    by_id = {one.id: one for one in recent}
    owned = set(
        ReplicationRecord.objects.filter(destination_backup_id__in=list(by_id))
        .exclude(replication=replication)
        .values_list("destination_backup_id", flat=True)
    )
    named = {record.destination_backup_id for record in records}
    free = [
        one
        for one in recent
        if one.id not in owned and one.id not in named and replication.replica_name in {"", one.name}
    ]
    changed = []
    for record in records:
        if record.has_arrived or not _may_have_replica(record):
            continue
        replica = by_id.get(record.destination_backup_id) or by_source.get(record.backup_id)
        if replica is None:
            replica = _find_replica(record, records, free, replication.replica_name or record.backup_name)
        if replica is None and (
            not _group_is_complete(record, records, free) or _may_be_of_others(replication, record, free)
        ):
            continue
        _arrive(record, replica, now)
        # One replica proves one arrival.
        free = [one for one in free if one is not replica]
        changed.append(record)
    return changed


def _sources_named_by(replicas: Iterable[cloud.Backup]) -> dict[str, cloud.Backup]:
    return {
        record.source_backup_id: replica
        for replica in replicas
        for record in replica.replication_records or ()
        if record.source_backup_id
    }


def _look_alike(record: ReplicationRecord, replica: cloud.Backup) -> bool:
    return bool(record.resource_id) and replica.resource_id == record.resource_id


def _may_have_replica(record: ReplicationRecord) -> bool:
    """Return whether the cloud has not given up on it."""
    return not record.is_final or record.status == RecordStatus.SUCCEEDED


def _find_replica(
    record: ReplicationRecord, records: list[ReplicationRecord], free: list[cloud.Backup], name: str
) -> cloud.Backup | None:
    """Return the one replica that can only be this record's: same server and name, and no rival on either side."""
    rivals = [
        one
        for one in records
        if one.resource_id == record.resource_id
        and one.backup_name == record.backup_name
        and _may_have_replica(one)
    ]
    matches = [one for one in free if _look_alike(record, one) and one.name == name]
    return matches[0] if len(matches) == len(rivals) == 1 else None


def _group_is_complete(
    record: ReplicationRecord, records: list[ReplicationRecord], free: list[cloud.Backup]
) -> bool:
    """Return whether the destination holds as many new replicas of this server as there are open records of it."""
    is_mute = not record.is_final and not record.evidence
    if not record.resource_id or not (is_mute or record.status == RecordStatus.SUCCEEDED):
        return False
    siblings = [
        one
        for one in records
        if one.resource_id == record.resource_id and not one.destination_backup_id and _may_have_replica(one)
    ]
    return len([one for one in free if _look_alike(record, one)]) >= len(siblings)


def _may_be_of_others(replication: Replication, record: ReplicationRecord, free: list[cloud.Backup]) -> bool:
    """Return whether another single backup's replication waits for a replica that looks just like this one's.

    Single backups of one server are replicated one after another, so the replica of the last may come late.
    """
    if not replication.is_single:
        return False
    others = (
        ReplicationRecord.objects.awaiting_arrival()
        .filter(
            resource_id=record.resource_id,
            replication__destination_vault_id=replication.destination_vault_id,
        )
        .exclude(replication=replication)
    )
    return len([one for one in free if _look_alike(record, one)]) <= others.count()


def _arrive(record: ReplicationRecord, replica: cloud.Backup | None, now: datetime) -> None:
    record.arrived_at = now
    record.changed_at = now
    if replica is not None:
        record.destination_backup_id = replica.id
    if not record.is_final:
        # The source has not said a word, but the replica stands there.
        record.status = RecordStatus.SUCCEEDED
        record.evidence = Evidence.REPLICA
        record.finished_at = now
        record.read_at = now
