"""Whose turn it is among the replications of one vault and region, and whether a single backup's is still needed then.

Several single backups of a vault may be wanted at once, but only one of them is sent and followed at a time: while two
are under way, nobody could tell whose the new work in the cloud is, and the cloud refuses the second one anyhow. The
database holds that by a constraint; here is what waiting means, and the last look before the turn is used.
"""

from datetime import datetime, timedelta

from django.db.models import Q

from replication.lifecycle import RecordStatus, ReplicationStatus, read_cloud_word
from replication.models import Evidence, Replication, ReplicationRecord
from replication.models.replication import ReplicationQuerySet

from . import evidence
from .evidence import DATE_ROUNDING, Sighting, SourceReading

#: How long until one that waits asks again, for each that waits longer, and at most.
_PAUSE = timedelta(seconds=10)
_LONGEST_PAUSE = timedelta(minutes=5)
#: What the cloud has given up may be asked for again.
_GIVEN_UP = (RecordStatus.FAILED, RecordStatus.TIMED_OUT, RecordStatus.SKIPPED)


class ReplicatedMeanwhile(Exception):
    """Another replication has taken the backup to the region since this one was asked for. Nothing was sent."""

    def __init__(self, by: Replication) -> None:
        self.by = by
        super().__init__(f"{by.reference} has it")


class SeenAlready(Exception):
    """The cloud shows, of an unknown origin, just what is about to be asked for. Nothing was sent."""

    def __init__(self, begun_at: datetime, baseline: dict[str, list[str]]) -> None:
        self.begun_at = begun_at
        #: What else the cloud shows of the vault.
        self.baseline = baseline
        super().__init__(f"begun at {begun_at}")


def in_the_way(replication: Replication) -> Replication | None:
    """Return the one that is under way for its vault and region, and that it has to wait for. One query."""
    return _of_pair(replication).under_way().exclude(pk=replication.pk).first()


def wait(replication: Replication, now: datetime) -> bool:
    """Let it wait while another one of its vault and region is under way. Returns whether it has to.

    Those that wait longer ask again sooner, so that a long queue costs little.
    """
    if in_the_way(replication) is None:
        return False
    asked_for_before = Q(requested_at__lt=replication.requested_at) | Q(
        requested_at=replication.requested_at, pk__lt=replication.pk
    )
    before = _of_pair(replication).filter(asked_for_before, status=ReplicationStatus.REQUESTED).count()
    Replication.objects.filter(
        pk=replication.pk, status=ReplicationStatus.REQUESTED, attempt=replication.attempt
    ).update(check_after=now + min(_PAUSE * (1 + before), _LONGEST_PAUSE))
    return True


def _of_pair(replication: Replication) -> ReplicationQuerySet:
    return Replication.objects.of_pair(replication.source_vault_id, replication.destination_region)


def look_once_more(
    replication: Replication, reading: SourceReading, server_date: datetime | None, now: datetime
) -> None:
    """Make sure that a single backup's replication is still needed: it may have waited for hours.

    `reading` is what the source shows right before sending, `server_date` what the cloud called that moment. What began
    before it was asked for was known to whoever asked.

    Raises:
        ReplicatedMeanwhile: a replication that we know of has taken the backup there.
        SeenAlready: the cloud shows such work, and nothing that we know of explains it.
    """
    since = replication.requested_at - DATE_ROUNDING
    taken = (
        ReplicationRecord.objects.filter(
            backup_id=replication.backup_id,
            replication__source_vault=replication.source_vault_id,
            replication__destination_region=replication.destination_region,
            replication__submitted_at__gte=since,
        )
        .exclude(replication=replication)
        .exclude(status__in=_GIVEN_UP)
        .select_related("replication")
        .first()
    )
    if taken:
        raise ReplicatedMeanwhile(taken.replication)
    shown = _shown_since(replication, reading, server_date, now, since)
    if shown:
        older = sorted(set(reading.keys()) - {one.key for one in shown})
        begun_at = min(one.created_at for one in shown if one.created_at)
        raise SeenAlready(begun_at, {reading.evidence.value: older})


def _shown_since(
    replication: Replication,
    reading: SourceReading,
    server_date: datetime | None,
    now: datetime,
    since: datetime,
) -> list[Sighting]:
    """Return what the source shows of this backup and destination since then, and nobody owns."""
    fresh = [
        one
        for one in evidence.in_our_time(reading.sightings, server_date, now)
        if one.backup_id == replication.backup_id
        and one.may_belong_to(replication)
        and one.created_at is not None
        and one.created_at >= since
        and read_cloud_word(one.word) not in _GIVEN_UP
    ]
    if not fresh:
        return []
    column = "replication_record_id" if reading.evidence == Evidence.RECORDS else "operation_log_id"
    owned = set(
        ReplicationRecord.objects.filter(**{f"{column}__in": [one.key for one in fresh]}).values_list(
            column, flat=True
        )
    )
    return [one for one in fresh if one.key not in owned]
