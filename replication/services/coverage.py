"""Which servers have a restore point in another region, how old it is, and whether that is good enough.

Judges the summary that `restore_points` keeps against the targets and against how far we can see at all: what lies in an
account that cannot be read is not known, whatever was known of it before. Nothing is called met that is not seen.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from django.conf import settings
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    IntegerField,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from replication.models import (
    Backup,
    CloudReading,
    Coverage,
    Project,
    RecoveryTarget,
    ReplicationRecord,
    Vault,
)

from .restore_points import READING_TAKES


class Verdict(IntEnum):
    """What is to be said of one server in one region; the worst first, as lists are sorted."""

    #: There is a target, and nothing has ever arrived.
    NEVER = 0
    #: The newest restore point is older than its target allows.
    BEHIND = 1
    #: Where it would lie cannot be read, or only long ago; or nobody knows what was copied.
    UNKNOWN = 2
    #: Nothing has arrived, and no target is set.
    NOTHING = 3
    #: Something has arrived, and no target says whether it is new enough.
    UNTARGETED = 4
    #: The newest restore point is as new as its target demands.
    MET = 5


#: What breaks a promise.
BROKEN = (Verdict.NEVER, Verdict.BEHIND)


@dataclass(frozen=True, slots=True)
class Sight:
    """How far we can see: what was read lately and without an error."""

    projects: frozenset[uuid.UUID]
    #: Regions of which every account that leads there can be read.
    regions: frozenset[uuid.UUID]

    @classmethod
    def of(cls, readings: Iterable[CloudReading], now: datetime) -> "Sight":
        """Judge the readings, which come with their projects."""
        readings = list(readings)
        clear = [one for one in readings if is_clear(one, now)]
        # An account of which nothing was ever read may lead anywhere.
        if any(one.project is None for one in readings):
            regions: frozenset[uuid.UUID] = frozenset()
        else:
            blind = {one.project.region_id for one in readings if one.project and one not in clear}
            regions = frozenset(one.project.region_id for one in clear if one.project) - blind
        return cls(frozenset(one.project_id for one in clear if one.project_id), regions)


def is_clear(reading: CloudReading, now: datetime) -> bool:
    """Return whether the last attempt to read succeeded and is not longer ago than three readings."""
    limit = 3 * settings.REPLICATION_INVENTORY_INTERVAL
    return not reading.error and reading.read_at is not None and now - reading.read_at <= limit


def judged(sight: Sight, now: datetime) -> QuerySet[Any, Any]:
    """Return the coverage of every server in every region, each with its `verdict`."""
    in_sight = Q(region__in=sight.regions) | Q(region=None)
    verdict = Case(
        When(met_until__gte=now, destination__project__in=sight.projects, then=Value(Verdict.MET)),
        When(~in_sight, then=Value(Verdict.UNKNOWN)),
        When(taken_at=None, undated__gt=0, then=Value(Verdict.UNKNOWN)),
        When(taken_at=None, target_hours=None, then=Value(Verdict.NOTHING)),
        When(taken_at=None, then=Value(Verdict.NEVER)),
        When(target_hours=None, then=Value(Verdict.UNTARGETED)),
        When(met_until__lt=now, then=Value(Verdict.BEHIND)),
        default=Value(Verdict.UNKNOWN),
        output_field=IntegerField(),
    )
    return Coverage.objects.annotate(verdict=verdict)


@dataclass(frozen=True, slots=True)
class RegionStanding:
    """How the servers stand in one region, in numbers of servers. No name: none is known to replicate to."""

    region: str
    never: int
    behind: int
    unknown: int
    untargeted: int
    met: int
    #: Since when the one that is behind for longest is behind. Null while none is.
    since: datetime | None

    @property
    def broken(self) -> int:
        """How many miss their target, also those of which nothing has ever arrived."""
        return self.never + self.behind


@dataclass(frozen=True, slots=True)
class Standing:
    """How all servers stand; one in two vaults or regions is counted once."""

    servers: int
    #: With a target.
    targeted: int
    broken: int
    unknown: int
    #: The worst first.
    regions: tuple[RegionStanding, ...]

    @property
    def is_seen(self) -> bool:
        """Whether it is known of every server how it stands."""
        return not self.unknown


def standing(sight: Sight, now: datetime) -> Standing:
    """Count. Two queries."""
    rows = judged(sight, now)
    broken = Q(verdict__in=BROKEN)
    one_server = "server__resource_id"
    counts: dict[str, int] = rows.aggregate(
        servers=Count(one_server, distinct=True),
        targeted=Count(one_server, distinct=True, filter=Q(target_hours__isnull=False)),
        broken=Count(one_server, distinct=True, filter=broken),
        unknown=Count(one_server, distinct=True, filter=Q(verdict=Verdict.UNKNOWN)),
    )
    regions = [
        _region_standing(found)
        for found in rows.values(name=F("region__name")).annotate(
            never=Count("pk", filter=Q(verdict=Verdict.NEVER)),
            behind=Count("pk", filter=Q(verdict=Verdict.BEHIND)),
            unknown=Count("pk", filter=Q(verdict=Verdict.UNKNOWN)),
            untargeted=Count("pk", filter=Q(target_hours=None)),
            met=Count("pk", filter=Q(verdict=Verdict.MET)),
            since=Min("met_until", filter=Q(verdict=Verdict.BEHIND)),
        )
    ]
    regions.sort(key=lambda one: (-one.broken, -one.unknown, one.region))
    return Standing(**counts, regions=tuple(regions))


def _region_standing(found: dict[str, Any]) -> RegionStanding:
    name = found.pop("name")
    return RegionStanding(region=name or "", **found)


def stamp(now: datetime) -> tuple[object, ...]:
    """Return what changes as soon as servers stand differently while nothing is read anew. Two small queries."""
    overdue = Coverage.objects.filter(met_until__lt=now).count()
    targets = RecoveryTarget.objects.aggregate(number=Count("pk"), last=Max("changed_at"))
    return overdue, targets["number"], targets["last"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the matrix is narrowed to."""

    text: str = ""
    project: Project | None = None
    verdicts: tuple[Verdict, ...] = ()


def _fitting(rows: QuerySet[Any, Any], wanted: Wanted) -> QuerySet[Any, Any]:
    """Return the coverage to look through: a row is listed if any of its cells fits."""
    if wanted.project:
        rows = rows.filter(server__vault__project=wanted.project)
    if wanted.verdicts:
        rows = rows.filter(verdict__in=wanted.verdicts)
    return rows


def servers(sight: Sight, now: datetime, wanted: Wanted) -> QuerySet[Any, Any]:
    """Return the servers that fit as rows with `server`, the worst first, then what is overdue for longest."""
    rows = _fitting(judged(sight, now), wanted)
    if wanted.text:
        rows = rows.filter(
            Q(server__name__icontains=wanted.text)
            | Q(server__resource_id__istartswith=wanted.text)
            | Q(server__vault__name__icontains=wanted.text)
        )
    return _worst_first(rows, "server", "server__name")


def vaults(sight: Sight, now: datetime, wanted: Wanted) -> QuerySet[Any, Any]:
    """Return the vaults that fit as rows with `server__vault`, in the order of `servers`."""
    rows = _fitting(judged(sight, now), wanted)
    if wanted.text:
        rows = rows.filter(
            Q(server__vault__name__icontains=wanted.text)
            | Q(server__vault__vault_id__istartswith=wanted.text)
            | Q(server__name__icontains=wanted.text)
        )
    return _worst_first(rows, "server__vault", "server__vault__name")


def _worst_first(rows: QuerySet[Any, Any], key: str, name: str) -> QuerySet[Any, Any]:
    found: QuerySet[Any, Any] = rows.values(key, name)
    found = found.annotate(worst=Min("verdict"), overdue=Min(Coalesce("met_until", "taken_at")))
    return found.order_by("worst", "overdue", name, key)


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands at one row and one region. Of a vault it is the worst of its servers, with how many meet the target."""

    verdict: Verdict
    region: str
    taken_at: datetime | None
    arrived_at: datetime | None
    target_hours: int | None
    met_until: datetime | None
    #: Where that restore point lies.
    destination: Vault | None = None
    servers: int = 1
    met: int = 0

    @property
    def is_broken(self) -> bool:
        """Whether the target is missed."""
        return self.verdict in BROKEN

    @property
    def is_known(self) -> bool:
        """Whether we can see what is there."""
        return self.verdict != Verdict.UNKNOWN

    @property
    def way(self) -> dict[str, object]:
        """The region, and where the newest restore point lies, as the form of a replication takes them."""
        if self.destination is None:
            return {"region": self.region}
        return {
            "region": self.region,
            "project": self.destination.project_id,
            "destination": self.destination.pk,
        }


def cells_of_servers(
    sight: Sight, now: datetime, servers: Iterable[uuid.UUID]
) -> dict[uuid.UUID, dict[str, Cell]]:
    """Return the cells of these servers by region. One query."""
    found: dict[uuid.UUID, dict[str, Cell]] = {}
    for row in (
        judged(sight, now).filter(server__in=list(servers)).select_related("region", "destination__project")
    ):
        region = row.region.name if row.region else ""
        found.setdefault(row.server_id, {})[region] = Cell(
            verdict=Verdict(row.verdict),
            region=region,
            taken_at=row.taken_at,
            arrived_at=row.arrived_at,
            target_hours=row.target_hours,
            met_until=row.met_until,
            destination=row.destination,
        )
    return found


def cells_of_vaults(
    sight: Sight, now: datetime, vaults: Iterable[uuid.UUID]
) -> dict[uuid.UUID, dict[str, Cell]]:
    """Return the cells of these vaults by region: the oldest restore point and the worst verdict. One query."""
    found: dict[uuid.UUID, dict[str, Cell]] = {}
    rows = (
        judged(sight, now)
        .filter(server__vault__in=list(vaults))
        .values("server__vault", "region__name")
        .annotate(
            worst=Min("verdict"),
            oldest=Min("taken_at"),
            arrived=Min("arrived_at"),
            hours=Min("target_hours"),
            until=Min("met_until"),
            all=Count("pk"),
            fine=Count("pk", filter=Q(verdict=Verdict.MET)),
        )
    )
    for row in rows:
        region = row["region__name"] or ""
        found.setdefault(row["server__vault"], {})[region] = Cell(
            verdict=Verdict(row["worst"]),
            region=region,
            taken_at=row["oldest"],
            arrived_at=row["arrived"],
            target_hours=row["hours"],
            met_until=row["until"],
            servers=row["all"],
            met=row["fine"],
        )
    return found


def columns() -> list[str]:
    """Return the destination regions, in order. One query."""
    return sorted(
        name for name in Coverage.objects.order_by().values_list("region__name", flat=True).distinct() if name
    )


def missing(*, vault: Vault, region: str, resource_id: str = "") -> QuerySet[Backup]:
    """Return the backups of a source vault, or of one server in it, that have not arrived in a region, newest first."""
    replicas = Backup.objects.present().filter(
        source_backup_id=OuterRef("backup_id"),
        status=Backup.AVAILABLE,
        vault__in=Vault.objects.present().destinations().filter(project__region__name=region),
    )
    # What was seen arriving counts until the destination is read again, which then knows better.
    gone = Backup.objects.filter(vanished_at__isnull=False, source_backup_id=OuterRef("backup_id"))
    seen = ReplicationRecord.objects.filter(
        ~Exists(gone),
        backup_id=OuterRef("backup_id"),
        replication__destination__project__region__name=region,
        arrived_at__gt=F("replication__destination__project__readings__read_at") - READING_TAKES,
    )
    found = vault.backups.present().filter(resource_type=Backup.SERVER_RESOURCE)
    if resource_id:
        found = found.filter(resource_id=resource_id)
    return found.filter(~Exists(replicas), ~Exists(seen)).order_by("-created_at", "backup_id")
