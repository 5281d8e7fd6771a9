"""Counts and ages for the overview and for probes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Q

from replication.lifecycle import ACTIVE, ReplicationStatus
from replication.models import CloudReading, Replication, ReplicationRecord, WorkerBeat

#: Failures older than this are history, not a call for attention.
ATTENTION_FOR = timedelta(days=7)
#: A worker that has not beaten for this long is not working.
WORKER_SILENT_AFTER = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class Overview:
    """What runs and what needs attention, in numbers of replications; `arrived_today` in backups."""

    running: int
    queued: int
    unconfirmed: int
    attention: int
    arrived_today: int


@dataclass(frozen=True, slots=True)
class InventoryHealth:
    """How old our picture of the cloud is."""

    readings: tuple[CloudReading, ...]
    #: Null while any entry was never read.
    oldest_read_at: datetime | None
    failed: tuple[CloudReading, ...]
    is_stale: bool
    #: Entries from whose project nothing is sent, since safe mode is on and they were not swept yet.
    held_back: tuple[str, ...] = ()

    @property
    def is_first_reading_pending(self) -> bool:
        """Whether some entry was neither read nor tried in vain."""
        return not self.readings or any(one.read_at is None and not one.error for one in self.readings)


@dataclass(frozen=True, slots=True)
class WorkerHealth:
    """Whether anybody is working."""

    seen_at: datetime | None
    is_alive: bool


def overview(now: datetime) -> Overview:
    """Count for the overview. Two queries."""
    recent = Q(requested_at__gte=now - ATTENTION_FOR)
    troubled = Q(status__in=[ReplicationStatus.FAILED, ReplicationStatus.PARTIAL, ReplicationStatus.REJECTED])
    unclear = Q(status=ReplicationStatus.UNCONFIRMED)
    # Narrowed by status first, which an index holds: a long past costs nothing.
    counts = Replication.objects.filter(Q(status__in=ACTIVE) | (troubled & recent)).aggregate(
        running=Count("pk", filter=Q(status=ReplicationStatus.RUNNING)),
        queued=Count("pk", filter=Q(status__in=[ReplicationStatus.REQUESTED, ReplicationStatus.SUBMITTING])),
        unconfirmed=Count("pk", filter=unclear),
        attention=Count("pk", filter=unclear | (troubled & recent)),
    )
    arrived = ReplicationRecord.objects.filter(arrived_at__gte=now - timedelta(days=1)).count()
    return Overview(**counts, arrived_today=arrived)


def inventory_health(now: datetime) -> InventoryHealth:
    """Say how old the inventory is and which cloud entries cannot be read. One query."""
    readings = tuple(CloudReading.objects.select_related("project__region").order_by("cloud"))
    times = [one.read_at for one in readings]
    oldest = None if None in times or not times else min(time for time in times if time is not None)
    limit = 3 * settings.REPLICATION_INVENTORY_INTERVAL
    return InventoryHealth(
        readings=readings,
        oldest_read_at=oldest,
        failed=tuple(one for one in readings if one.error),
        is_stale=any(time is not None and now - time > limit for time in times),
        held_back=tuple(one.cloud for one in readings if is_held_back(one)),
    )


def is_held_back(reading: CloudReading) -> bool:
    """Return whether safe mode is on and this entry was not swept completely since it began."""
    since = settings.SAFE_MODE_SINCE
    return since is not None and (reading.swept_at is None or reading.swept_at < since)


def worker_health(now: datetime) -> WorkerHealth:
    """Say when a worker last gave a sign of life. One query."""
    latest = WorkerBeat.objects.order_by("-seen_at").first()
    if latest is None:
        return WorkerHealth(seen_at=None, is_alive=False)
    return WorkerHealth(seen_at=latest.seen_at, is_alive=now - latest.seen_at < WORKER_SILENT_AFTER)
