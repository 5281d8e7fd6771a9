"""Finds out which backup a replica is a copy of, and so how old the restore point is.

Three ways, the surest first: what the cloud says on the replica, what a replication of ours has seen arrive, and the
only backup of the same server with the same name. A replica's own time is when copying ended, and says nothing of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db.models import Min

from replication import cloud
from replication.models import Backup, ReplicationRecord, Vault

#: Rows a statement, below the parameter limit of SQLite.
_SLICE = 400
#: Replicas that are dated at once, the newest first: a first reading of a very full cloud is spread over several.
_AT_ONCE = 5_000


def date_replicas(backups: Iterable[cloud.Backup]) -> None:
    """Date every replica of the mirror that is not dated yet, as far as that can be said.

    API: ListBackups, backups[].replication_records[].source_backup_id, which only the sibling Huawei cloud documents.
    """
    told = {
        replica.id: record.source_backup_id
        for replica in backups
        for record in replica.replication_records or ()
        if record.source_backup_id and record.source_backup_id != replica.id
    }
    undated = list(
        Backup.objects.present()
        .filter(taken_at=None, vault__in=Vault.objects.destinations())
        .only("pk", "backup_id", "resource_id", "name", "source_backup_id", "taken_at")
        .order_by("-created_at", "pk")[:_AT_ONCE]
    )
    for start in range(0, len(undated), _SLICE):
        _date(undated[start : start + _SLICE], told)


def _date(replicas: Sequence[Backup], told: Mapping[str, str]) -> None:
    seen = dict(
        ReplicationRecord.objects.filter(
            destination_backup_id__in=[one.backup_id for one in replicas], arrived_at__isnull=False
        ).values_list("destination_backup_id", "backup_id")
    )
    named = _by_name(replicas)
    for one in replicas:
        one.source_backup_id = (
            told.get(one.backup_id)
            or seen.get(one.backup_id)
            or named.get((one.resource_id, one.name), "")
            or one.source_backup_id
        )
    times = _times([one.source_backup_id for one in replicas if one.source_backup_id])
    dated = []
    for one in replicas:
        one.taken_at = times.get(one.source_backup_id)
        if one.taken_at or one.source_backup_id:
            dated.append(one)
    Backup.objects.bulk_update(dated, ["source_backup_id", "taken_at"])


def _by_name(replicas: Sequence[Backup]) -> dict[tuple[str, str], str]:
    """Return the backup of each server and name; of several with one name the oldest, so that nothing looks too new."""
    oldest: dict[tuple[str, str], tuple[datetime, str]] = {}
    candidates = (
        Backup.objects.filter(
            resource_id__in={one.resource_id for one in replicas if one.resource_id},
            name__in={one.name for one in replicas if one.name},
            created_at__isnull=False,
            vault__in=Vault.objects.sources(),
        )
        .exclude(image_type=Backup.REPLICA)
        .values_list("resource_id", "name", "created_at", "backup_id")
    )
    for resource, name, created_at, backup in candidates:
        known = oldest.get((resource, name))
        if created_at and (known is None or (created_at, backup) < known):
            oldest[resource, name] = (created_at, backup)
    return {place: backup for place, (_created_at, backup) in oldest.items()}


def _times(backup_ids: Sequence[str]) -> dict[str, datetime]:
    known = Backup.objects.filter(backup_id__in=backup_ids, created_at__isnull=False)
    return dict(
        known.exclude(image_type=Backup.REPLICA)
        .order_by()
        .values_list("backup_id")
        .annotate(at=Min("created_at"))
    )
