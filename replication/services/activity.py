"""What has happened lately: day by day, and the replicas that arrived last, whoever started their replication."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from replication.lifecycle import RecordStatus, ReplicationStatus
from replication.models import AuditEntry, Origin, Replication, ReplicationRecord

#: Days that the strip of the overview shows, today among them.
DAYS = 30


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the reader's calendar."""

    date: date
    #: Backups whose replica was seen in its destination vault.
    arrived: int = 0
    #: How many of these were started elsewhere.
    elsewhere: int = 0
    #: Backups that the cloud gave up on.
    failed: int = 0
    #: Replications that never began: refused, or never delivered.
    refused: int = 0
    #: Whether this dashboard had begun to write down what happens.
    recorded: bool = True

    @property
    def kind(self) -> str:
        """What it looks like: arrived, mixed, failed, none or unknown."""
        if self.failed or self.refused:
            return "mixed" if self.arrived else "failed"
        if self.arrived:
            return "arrived"
        return "none" if self.recorded else "unknown"

    @property
    def is_known(self) -> bool:
        """Whether anything can be said of it."""
        return self.kind != "unknown"


def last_days(now: datetime) -> tuple[Day, ...]:
    """Return the last days, the oldest first, in the current time zone. Four queries."""
    today = timezone.localdate(now)
    first = today - timedelta(days=DAYS - 1)
    since = timezone.make_aware(datetime.combine(first, time.min))
    records = ReplicationRecord.objects.order_by()
    arrived = {
        day: (number, elsewhere)
        for day, number, elsewhere in records.filter(arrived_at__gte=since)
        .annotate(day=TruncDate("arrived_at"))
        .values_list("day")
        .annotate(number=Count("pk"), elsewhere=Count("pk", filter=Q(replication__origin=Origin.FOREIGN)))
    }
    failed = _by_day(
        records.filter(status__in=[RecordStatus.FAILED, RecordStatus.TIMED_OUT], finished_at__gte=since)
    )
    refused = _by_day(
        Replication.objects.filter(
            ~Exists(ReplicationRecord.objects.filter(replication=OuterRef("pk"))),
            status__in=[ReplicationStatus.REJECTED, ReplicationStatus.FAILED],
            finished_at__gte=since,
        ).order_by()
    )
    begun = AuditEntry.objects.order_by("id").values_list("at", flat=True).first()
    begun_on = timezone.localdate(begun) if begun else today
    return tuple(
        Day(
            date=day,
            arrived=arrived.get(day, (0, 0))[0],
            elsewhere=arrived.get(day, (0, 0))[1],
            failed=failed.get(day, 0),
            refused=refused.get(day, 0),
            recorded=day >= begun_on,
        )
        for day in (first + timedelta(days=number) for number in range(DAYS))
    )


def _by_day(rows: "QuerySet[ReplicationRecord] | QuerySet[Replication]") -> dict[date, int]:
    counted: Iterable[tuple[date, int]] = (
        rows.annotate(day=TruncDate("finished_at")).values_list("day").annotate(number=Count("pk"))
    )
    return dict(counted)


def latest_arrivals(number: int) -> tuple[ReplicationRecord, ...]:
    """Return the records whose replicas arrived last, with their replication. One query."""
    return tuple(
        ReplicationRecord.objects.filter(arrived_at__isnull=False)
        .select_related(
            "replication__source_vault__project__region",
            "replication__destination__project",
            "source_backup",
        )
        .order_by("-arrived_at", "pk")[:number]
    )
