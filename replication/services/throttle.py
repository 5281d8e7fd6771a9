"""How many replications may be on their way to a region at once, and why a requested one still waits.

The limit is a soft throttle: it keeps a long queue from pouring into one region, and protects nothing that must never go
wrong. On SQLite it holds exactly. On PostgreSQL workers that claim in the same instant do not see each other's claims
yet, so that for a while there may be as many more on their way as workers were that fast. Two people asking for the same
replication are kept apart by a constraint, not by this.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q, Subquery
from django.db.models.functions import Coalesce
from django.db.models.lookups import LessThan

from replication.lifecycle import ACTIVE, UNDER_WAY, ReplicationStatus
from replication.models import CloudReading, Replication

from . import statistics


class Room:
    """What may still be sent in one round, by region. One query, and none while there is no limit."""

    def __init__(self) -> None:
        self._limit = settings.REPLICATION_REGION_LIMIT
        self._taken = Counter(_under_way() if self._limit else {})

    @property
    def full(self) -> list[str]:
        """The regions to which nothing is sent now."""
        return [region for region, taken in self._taken.items() if self._limit and taken >= self._limit]

    def take(self, region: str) -> bool:
        """Return whether one more may be sent there, and count it."""
        if self._limit and self._taken[region] >= self._limit:
            return False
        self._taken[region] += 1
        return True


def _under_way(regions: Collection[str] | None = None) -> Mapping[str, int]:
    """Count what is on its way, whoever started it, by region."""
    found = Replication.objects.filter(status__in=UNDER_WAY)
    if regions is not None:
        found = found.filter(destination_region__in=regions)
    return dict(found.order_by().values_list("destination_region").annotate(Count("pk")))


def has_room(region: str) -> Q:
    """Return the condition that the region has room, for the update that claims a replication: no query of its own."""
    limit = settings.REPLICATION_REGION_LIMIT
    if not limit:
        return Q()
    taken = (
        Replication.objects.filter(destination_region=region, status__in=UNDER_WAY)
        .order_by()
        .values("destination_region")
        .annotate(taken=Count("pk"))
        .values("taken")
    )
    return Q(LessThan(Coalesce(Subquery(taken), 0), limit))


def is_held(replication_id: UUID | str) -> bool:
    """Return whether the region of a replication is full. Two queries, and none while there is no limit."""
    limit = settings.REPLICATION_REGION_LIMIT
    if not limit:
        return False
    region = (
        Replication.objects.filter(pk=replication_id).values_list("destination_region", flat=True).first()
    )
    return region is not None and _under_way({region}).get(region, 0) >= limit


class Cause(Enum):
    """What a requested replication waits for."""

    #: Safe mode is on, and its project was not swept yet.
    SAFE_MODE = "safe_mode"
    #: The last attempt was not delivered; the next one has its time.
    PAUSE = "pause"
    #: Another replication of the same vault to the region is not over.
    SAME_VAULT = "same_vault"
    #: As many as may be are on their way to its region.
    REGION_FULL = "region_full"
    #: Nothing but a worker.
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a replication waits; what does not belong to the cause is empty."""

    cause: Cause
    region: str = ""
    #: How many are on their way to the region, and how many may be.
    under_way: int = 0
    limit: int = 0
    #: The one it waits for.
    behind: Replication | None = None
    #: When the next attempt is due.
    until: datetime | None = None


def waits(replications: Iterable[Replication], now: datetime) -> dict[UUID, Wait]:
    """Say why each of these waits; those that were sent or are over are left out. At most three queries.

    Needs of each the source vault and its project.
    """
    waiting = [one for one in replications if one.status == ReplicationStatus.REQUESTED]
    if not waiting:
        return {}
    regions = {one.destination_region for one in waiting}
    facts = _Facts(
        held_back=_held_back({one.source_vault.project.cloud for one in waiting}),
        under_way=_under_way(regions) if settings.REPLICATION_REGION_LIMIT else {},
        others=_others(waiting),
    )
    return {one.pk: _wait(one, facts, now) for one in waiting}


@dataclass(frozen=True, slots=True)
class _Facts:
    held_back: frozenset[str]
    under_way: Mapping[str, int]
    #: What is active, by source vault and region, in the order in which it is waited for.
    others: Mapping[tuple[UUID, str], list[Replication]]


def _held_back(entries: set[str]) -> frozenset[str]:
    """Return the entries that were not swept since safe mode began; none while it is off."""
    if settings.SAFE_MODE_SINCE is None:
        return frozenset()
    swept = {
        reading.cloud
        for reading in CloudReading.objects.filter(cloud__in=entries)
        if not statistics.is_held_back(reading)
    }
    return frozenset(entries - swept)


def _others(waiting: list[Replication]) -> dict[tuple[UUID, str], list[Replication]]:
    found = Replication.objects.filter(
        status__in=ACTIVE,
        source_vault__in={one.source_vault_id for one in waiting},
        destination_region__in={one.destination_region for one in waiting},
    ).only("id", "status", "source_vault", "destination_region", "requested_at")
    by_pair: dict[tuple[UUID, str], list[Replication]] = {}
    for one in sorted(found, key=_place):
        by_pair.setdefault((one.source_vault_id, one.destination_region), []).append(one)
    return by_pair


def _place(replication: Replication) -> tuple[bool, datetime, str]:
    """Order by who goes first: what is on its way, then what was asked for earlier."""
    return replication.status not in UNDER_WAY, replication.requested_at, str(replication.pk)


def _wait(replication: Replication, facts: _Facts, now: datetime) -> Wait:
    region = replication.destination_region
    if replication.source_vault.project.cloud in facts.held_back:
        return Wait(Cause.SAFE_MODE)
    first = next(iter(facts.others.get((replication.source_vault_id, region), [])), None)
    if first is not None and first.pk != replication.pk and first.status in UNDER_WAY:
        return Wait(Cause.SAME_VAULT, behind=first)
    # A single backup's pauses also to let another one of its vault go first; that is over here.
    was_tried = replication.attempt or not replication.is_single
    if was_tried and replication.check_after and replication.check_after > now:
        return Wait(Cause.PAUSE, until=replication.check_after)
    if first is not None and first.pk != replication.pk:
        return Wait(Cause.SAME_VAULT, behind=first)
    limit, under_way = settings.REPLICATION_REGION_LIMIT, facts.under_way.get(region, 0)
    if limit and under_way >= limit:
        return Wait(Cause.REGION_FULL, region=region, under_way=under_way, limit=limit)
    return Wait(Cause.WORKER)
