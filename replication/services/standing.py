"""Whether a replica of one backup stands in a region, as far as our history and our mirror of the region tell.

The cloud takes a backup to a region once, and again only when that replica was deleted: so what was copied once is not
enough to know.
"""

from collections.abc import Iterable, Mapping

from replication.lifecycle import RecordStatus
from replication.models import Backup, ReplicationRecord

#: Ends after which there is no replica.
_WITHOUT_REPLICA = (RecordStatus.FAILED, RecordStatus.TIMED_OUT, RecordStatus.SKIPPED)


def stand_there(backups: Iterable[Backup], region: str) -> dict[str, bool | None]:
    """Return by backup id whether a replica of it is in the region, or on its way there. Two queries, however many.

    Null: there was one, and nobody can tell whether it still is, since its vault is not read by us or its id is unknown.
    """
    listed = list(backups)
    records = list(
        ReplicationRecord.objects.filter(
            replication__source_vault__in={backup.vault_id for backup in listed},
            replication__destination_region=region,
            backup_id__in=[backup.backup_id for backup in listed],
        ).exclude(status__in=_WITHOUT_REPLICA)
    )
    replicas = dict(
        Backup.objects.filter(
            backup_id__in={record.destination_backup_id for record in records} - {""},
            vault__project__region__name=region,
        ).values_list("backup_id", "vanished_at")
    )
    told: dict[str, list[bool | None]] = {}
    for record in records:
        told.setdefault(record.backup_id, []).append(_is_there(record, replicas))
    return {backup.backup_id: _sum_up(backup, region, told.get(backup.backup_id, [])) for backup in listed}


def _is_there(record: ReplicationRecord, replicas: Mapping[str, object]) -> bool | None:
    if not record.is_final:
        return True
    if record.destination_backup_id not in replicas:
        return None
    return replicas[record.destination_backup_id] is None


def _sum_up(backup: Backup, region: str, told: list[bool | None]) -> bool | None:
    """Return what follows from each of its replicas, or from the word of the cloud where our history has none."""
    if not told:
        return None if region in (backup.replicated_to or ()) else False
    if True in told:
        return True
    return None if None in told else False
