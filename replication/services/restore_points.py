"""Keeps the summary of coverage in line with the mirror: which servers there are, and the newest restore point of each.

A restore point is a replica that the mirror of the destination vaults shows as available, whoever started its
replication; until that mirror is read again, also one that a replication of ours has seen arrive. It is as old as the
backup that it is a copy of. Everything runs in the caller's transaction; nothing here asks what time it is.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db.models import Count, Max, Q, QuerySet

from replication import cloud
from replication.models import (
    Backup,
    CloudReading,
    Coverage,
    Project,
    ProtectedServer,
    RecoveryTarget,
    Region,
    Replication,
    ReplicationRecord,
    Vault,
)

from . import replica_origins

#: Rows a statement, below the parameter limit of SQLite.
_SLICE = 400
#: A reading may have listed the backups this long before it was complete: what arrived meanwhile it does not show.
READING_TAKES = timedelta(minutes=10)
#: Server and region; no region where the server's region is not known to replicate anywhere.
_Place = tuple[uuid.UUID, uuid.UUID | None]
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Arrival:
    """The newest restore point of one server in one region."""

    taken_at: datetime
    destination_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class _Server:
    pk: uuid.UUID
    resource_id: str
    vault_id: uuid.UUID
    region_id: uuid.UUID


def slices(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    """Cut into parts that one statement can take."""
    return (items[start : start + _SLICE] for start in range(0, len(items), _SLICE))


def keep_servers(project: Project, vaults: Iterable[cloud.Vault], backups: Iterable[cloud.Backup]) -> None:
    """Make the servers of a project those that its source vaults list, and those that they hold backups of."""
    sources = {
        vault.vault_id: vault
        for vault in Vault.objects.present().sources().filter(project=project, object_type=Vault.SERVER)
    }
    wanted: dict[tuple[uuid.UUID, str], dict[str, Any]] = {}
    for backup in backups:
        if backup.vault_id in sources and backup.resource_id and backup.image_type != Backup.REPLICA:
            key = (sources[backup.vault_id].pk, backup.resource_id[:64])
            wanted[key] = {"name": backup.resource_name[:255], "is_associated": False}
    for vault in vaults:
        if vault.id not in sources:
            continue
        for resource in vault.resources:
            wanted[sources[vault.id].pk, resource.id] = {"name": resource.name[:255], "is_associated": True}
    known = {
        (one.vault_id, one.resource_id): one for one in ProtectedServer.objects.filter(vault__project=project)
    }
    changed = []
    for place, fields in wanted.items():
        server = known.get(place)
        if server and (server.name, server.is_associated) != tuple(fields.values()):
            server.name, server.is_associated = fields.values()
            changed.append(server)
    ProtectedServer.objects.bulk_update(changed, ["name", "is_associated"], batch_size=_SLICE)
    ProtectedServer.objects.bulk_create(
        [
            ProtectedServer(vault_id=vault, resource_id=resource, **fields)
            for (vault, resource), fields in wanted.items()
            if (vault, resource) not in known
        ],
        batch_size=_SLICE,
    )
    for gone in slices([one.pk for place, one in known.items() if place not in wanted]):
        ProtectedServer.objects.filter(pk__in=gone).delete()


def renew(backups: Iterable[cloud.Backup] = ()) -> None:
    """Bring the summary in line with everything that it follows from.

    `backups`: what was just read, since some clouds say there what a replica is a copy of.
    """
    # One at a time, and always after the rows of readings: whoever comes second sees what the first has written.
    regions = list(Region.objects.select_for_update().order_by("name"))
    replica_origins.date_replicas(backups)
    servers = [
        _Server(*row)
        for row in ProtectedServer.objects.values_list(
            "pk", "resource_id", "vault_id", "vault__project__region_id"
        )
    ]
    newest, undated = _newest(), _undated()
    targets = RecoveryTarget.objects.hours_by_vault()
    reaches = _reaches(regions)
    wanted: dict[_Place, dict[str, Any]] = {}
    for server in servers:
        found = newest.get(server.resource_id, {})
        reached: set[uuid.UUID | None] = {*reaches[server.region_id], *found}
        for region in reached or {None}:
            arrival = found.get(region) if region else None
            wanted[server.pk, region] = _fields(
                arrival, undated.get((server.resource_id, region), 0), targets.get(server.vault_id)
            )
    _store(wanted, {server.pk: server.resource_id for server in servers})


def _fields(arrival: Arrival | None, undated: int, hours: int | None) -> dict[str, Any]:
    return {
        "taken_at": arrival.taken_at if arrival else None,
        "destination_id": arrival.destination_id if arrival else None,
        "undated": undated,
        "target_hours": hours,
        "met_until": _met_until(arrival.taken_at, hours) if arrival else None,
    }


def _met_until(taken_at: datetime, hours: int | None) -> datetime | None:
    return taken_at + timedelta(hours=hours) if hours else None


def _reaches(regions: Iterable[Region]) -> dict[uuid.UUID, set[uuid.UUID]]:
    """Return for each region those that it can replicate to, and of these those with vaults that take replicas, if any.

    Where the cloud has not told, every other region with such vaults.
    """
    regions = list(regions)
    by_name = {region.name: region.pk for region in regions}
    equipped = set(
        Vault.objects.present().destinations().values_list("project__region", flat=True).distinct()
    )
    reaches = {}
    for region in regions:
        told = region.replication_destinations
        able = {by_name[name] for name in told if name in by_name} if told is not None else equipped
        able = able - {region.pk}
        reaches[region.pk] = (able & equipped) or able
    return reaches


def _replicas() -> QuerySet[Backup]:
    """Return the restore points that the mirror shows."""
    return Backup.objects.present().filter(
        status=Backup.AVAILABLE, vault__in=Vault.objects.present().destinations()
    )


def _newest() -> dict[str, dict[uuid.UUID, Arrival]]:
    """Return the newest restore point of each resource in each region."""
    found: defaultdict[str, dict[uuid.UUID, Arrival]] = defaultdict(dict)
    regions = dict(Vault.objects.destinations().values_list("pk", "project__region"))
    shown = (
        _replicas()
        .filter(taken_at__isnull=False)
        .order_by()
        .values_list("resource_id", "vault")
        .annotate(at=Max("taken_at"))
    )
    for resource, vault, taken_at in [*shown, *_seen_by_replications()]:
        place = found[resource]
        known = place.get(regions[vault])
        if known is None or known.taken_at < taken_at:
            place[regions[vault]] = Arrival(taken_at, vault)
    return found


def _seen_by_replications() -> list[tuple[str, uuid.UUID, datetime]]:
    """Return what replications have seen arrive since its destination was read, and what a reading may have missed."""
    late = Q(pk=None)
    for project, read_at in CloudReading.objects.filter(read_at__isnull=False).values_list(
        "project", "read_at"
    ):
        if read_at:
            late |= Q(replication__destination__project=project, arrived_at__gt=read_at - READING_TAKES)
    gone = Backup.objects.filter(vanished_at__isnull=False)
    seen = (
        ReplicationRecord.objects.filter(late, source_backup__isnull=False)
        .exclude(destination_backup_id__in=gone.values("backup_id"))
        .exclude(backup_id__in=gone.values("source_backup_id"))
        .values_list("resource_id", "replication__destination_id", "source_backup__created_at")
    )
    return [(resource, vault, taken_at) for resource, vault, taken_at in seen if vault and taken_at]


def _undated() -> dict[tuple[str, uuid.UUID | None], int]:
    """Count the replicas of which nobody can say what they are a copy of, by resource and region."""
    counted = (
        _replicas()
        .filter(taken_at=None)
        .order_by()
        .values_list("resource_id", "vault__project__region")
        .annotate(found=Count("pk"))
    )
    return {(resource, region): found for resource, region, found in counted}


def _store(wanted: Mapping[_Place, dict[str, Any]], resources: Mapping[uuid.UUID, str]) -> None:
    known = {(one.server_id, one.region_id): one for one in Coverage.objects.all()}
    fresh = [
        Coverage(server_id=server, region_id=region, **fields)
        for (server, region), fields in wanted.items()
        if (server, region) not in known
    ]
    changed, moved = [], [one for one in fresh if one.taken_at]
    for place, fields in wanted.items():
        row = known.get(place)
        different = {name for name, value in fields.items() if row and getattr(row, name) != value}
        if row is None or not different:
            continue
        for name, value in fields.items():
            setattr(row, name, value)
        changed.append(row)
        if different & {"taken_at", "destination_id"}:
            moved.append(row)
    _say_how_they_arrived(moved, resources)
    Coverage.objects.bulk_create(fresh, batch_size=_SLICE)
    Coverage.objects.bulk_update(
        changed,
        ["taken_at", "destination", "undated", "target_hours", "met_until", "arrived_at", "backup_id"],
        batch_size=_SLICE,
    )
    for gone in slices([one.pk for place, one in known.items() if place not in wanted]):
        Coverage.objects.filter(pk__in=gone).delete()


def _say_how_they_arrived(rows: list[Coverage], resources: Mapping[uuid.UUID, str]) -> None:
    """Set which backup the newest restore point is a copy of, and when it arrived: as seen, else as the cloud dates it."""
    for part in slices(rows):
        names = [resources[row.server_id] for row in part]
        times = [row.taken_at for row in part]
        dated = (
            _replicas()
            .filter(resource_id__in=names, taken_at__in=times)
            .values_list("resource_id", "vault_id", "taken_at", "source_backup_id", "created_at")
        )
        seen = ReplicationRecord.objects.filter(
            source_backup__resource_id__in=names,
            source_backup__created_at__in=times,
            arrived_at__isnull=False,
        ).values_list(
            *("resource_id", "replication__destination_id", "source_backup__created_at"),
            *("backup_id", "arrived_at"),
        )
        # What was seen arriving comes last, and so over what the cloud dates.
        arrivals = {tuple(one[:3]): (str(one[3]), one[4]) for one in [*dated, *seen]}
        for row in part:
            place = (resources[row.server_id], row.destination_id, row.taken_at)
            row.backup_id, row.arrived_at = arrivals.get(place, ("", None))


def note_arrivals(replication: Replication, records: Iterable[ReplicationRecord]) -> None:
    """Take over at once what a replication has just seen arrive, whose destination is read again only later."""
    arrived = {record.source_backup_id: record for record in records if record.has_arrived}
    if not arrived or replication.destination is None:
        return
    list(Region.objects.select_for_update().order_by("name"))
    taken = Backup.objects.filter(pk__in=[pk for pk in arrived if pk], created_at__isnull=False)
    for backup in taken.order_by("created_at"):
        older = Coverage.objects.filter(
            Q(taken_at=None) | Q(taken_at__lt=backup.created_at),
            server__resource_id=backup.resource_id,
            region=replication.destination.project.region_id,
        )
        for pk, hours in older.values_list("pk", "target_hours"):
            older.filter(pk=pk).update(
                taken_at=backup.created_at,
                arrived_at=arrived[backup.pk].arrived_at,
                backup_id=backup.backup_id,
                destination=replication.destination,
                met_until=_met_until(backup.created_at, hours) if backup.created_at else None,
            )
