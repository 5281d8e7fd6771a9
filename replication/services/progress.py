"""Follows accepted replications: reads what the source shows, moves their records onward, rolls up.

One list call a source vault and round, however many backups and replications it has; one more a destination vault
while replicas of it are still to be seen.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DataError, IntegrityError, transaction
from django.db.models import F

from replication import cloud
from replication.cloud import CloudError
from replication.lifecycle import (
    FINAL,
    RECORD_FINAL,
    RecordStatus,
    ReplicationStatus,
    read_cloud_word,
    roll_up,
)
from replication.models import AuditAction, Evidence, Project, Replication, ReplicationRecord

from . import arrival, audit, connection, evidence, inventory, logbook, restore_points
from .evidence import Sighting, SourceReading

logger = logging.getLogger(__name__)

#: A replication in which nothing has moved for an hour is looked at every seven and a half minutes.
_SHARE_OF_SILENCE = 8
_LONGEST_PAUSE = timedelta(minutes=10)
#: Without a word from the source for this long, the destination vault is asked as well.
_SILENT = timedelta(minutes=2)


def check_due(now: datetime, clock: Callable[[], datetime], beat: Callable[[], None] = lambda: None) -> int:
    """Look at every accepted replication that is due, vault by vault. Returns how many were looked at.

    `beat` is called before each vault: it may end it.
    """
    due = (
        Replication.objects.due(now)
        .filter(status__in=[ReplicationStatus.RUNNING, *FINAL - {ReplicationStatus.REJECTED}])
        .select_related("source_vault__project", "destination__project")
    )
    by_vault: dict[UUID, list[Replication]] = defaultdict(list)
    for replication in due:
        by_vault[replication.source_vault_id].append(replication)
    replicas = _Replicas()
    looked = 0
    for together in by_vault.values():
        beat()
        replications = [replication for replication in together if _claim(replication, now)]
        if not replications:
            continue
        looked += len(replications)
        try:
            _check_vault(replications, replicas, now, clock)
        except (DataError, IntegrityError):
            # It is due again after the pause; the other vaults must not wait for it.
            logger.exception("what vault %s shows cannot be stored", replications[0].vault_id)
    return looked


def _claim(replication: Replication, now: datetime) -> bool:
    """Take this look, unless another worker has; the next one is due after a pause."""
    return bool(
        Replication.objects.filter(pk=replication.pk, check_after=replication.check_after).update(
            check_after=now + _pause(replication, now)
        )
    )


def _pause(replication: Replication, now: datetime) -> timedelta:
    """Return the pause before the next look: short while things move, longer the longer nothing has moved."""
    interval: timedelta = settings.REPLICATION_PROGRESS_INTERVAL
    moved_at = max(replication.changed_at, replication.submitted_at or replication.requested_at)
    return min(max(interval, (now - moved_at) / _SHARE_OF_SILENCE), max(interval, _LONGEST_PAUSE))


class _Replicas:
    """What the destination vaults hold, read at most once a vault and round."""

    def __init__(self) -> None:
        self._read: dict[tuple[str, str], tuple[cloud.Backup, ...] | None] = {}

    def of(self, replication: Replication) -> tuple[cloud.Backup, ...] | None:
        """Return the available replicas in its destination vault; `None` when nobody can read it."""
        key = (replication.destination_project_id, replication.destination_vault_id)
        if key not in self._read:
            self._read[key] = read_destination(replication)
        return self._read[key]


def read_destination(replication: Replication) -> tuple[cloud.Backup, ...] | None:
    """Return the available replicas in the destination vault; `None` without credentials or without an answer."""
    name = destination_cloud(replication)
    if not name:
        return None
    try:
        return evidence.read_replicas(connection.cbr(name), replication.destination_vault_id)
    except CloudError as error:
        logger.warning("destination of %s could not be read: %s", replication.reference, error)
        return None


def destination_cloud(replication: Replication) -> str:
    """Return the cloud entry that can read the destination project; empty when there is none."""
    clouds = Project.objects.filter(project_id=replication.destination_project_id).values_list(
        "cloud", flat=True
    )
    return next(iter(clouds), "")


def _check_vault(
    replications: list[Replication], replicas: _Replicas, began: datetime, clock: Callable[[], datetime]
) -> None:
    """Look at all due replications of one source vault with one reading, asked for after `began`."""
    records = {replication.pk: list(replication.records.all()) for replication in replications}
    reading = _read_source(replications, records)
    if reading is not None:
        logbook.keep(replications[0].source_vault.project.cloud, reading.logs, began)
    for replication in replications:
        own = records[replication.pk]
        changed = []
        if reading is not None:
            changed = advance_all(replication, own, reading, clock())
        if _wants_replicas(replication, own, clock()):
            found = replicas.of(replication)
            if found is not None:
                changed = [*changed, *arrival.mark_arrivals(replication, own, found, clock())]
        _store(replication, own, {record.pk: record for record in changed}.values(), clock())


def _read_source(
    replications: list[Replication], records: dict[UUID, list[ReplicationRecord]]
) -> SourceReading | None:
    """Read the source once, if any record still waits for news of it; `None` when it could not be read."""
    open_ids = {record.backup_id for own in records.values() for record in own if not record.is_final}
    if not open_ids:
        return None
    first = replications[0]
    name = first.source_vault.project.cloud
    since = min(replication.submitted_at or replication.requested_at for replication in replications)
    try:
        return evidence.read_source(
            connection.cbr(name), name, first.vault_id, since=since, backup_ids=open_ids
        )
    except CloudError as error:
        logger.warning("vault %s could not be read: %s", first.vault_id, error)
        return None


def advance_all(
    replication: Replication, records: list[ReplicationRecord], reading: SourceReading, now: datetime
) -> list[ReplicationRecord]:
    """Move the records onward by what the source shows. Returns those that changed or were confirmed."""
    ours = [one for one in reading.sightings if one.may_belong_to(replication)]
    by_key = {one.key: one for one in ours}
    by_backup = _unclaimed_records(replication, ours, records) if reading.evidence == Evidence.RECORDS else {}
    taken = set(
        ReplicationRecord.objects.filter(operation_log_id__in=[one.key for one in ours]).values_list(
            "operation_log_id", flat=True
        )
    )
    confirmed = []
    for record in records:
        sighting = by_key.get(record.replication_record_id) or by_key.get(record.operation_log_id)
        if sighting is None and reading.evidence == Evidence.LOG and not record.operation_log_id:
            sighting = _find_log(replication, record, records, [one for one in ours if one.key not in taken])
            if sighting:
                record.operation_log_id = sighting.key
                taken.add(sighting.key)
        if sighting is None and not record.replication_record_id:
            sighting = by_backup.get(record.backup_id)
            if sighting:
                record.replication_record_id = sighting.key
        if sighting and advance(record, sighting, now):
            confirmed.append(record)
    return confirmed


def _unclaimed_records(
    replication: Replication, ours: list[Sighting], records: list[ReplicationRecord]
) -> dict[str, Sighting]:
    """Return, by backup, the replication records that our own may stand for whose id nobody could tell us."""
    if all(record.replication_record_id for record in records):
        return {}
    fresh = [one for one in ours if one.is_newer_than(replication)]
    owned = set(
        ReplicationRecord.objects.filter(replication_record_id__in=[one.key for one in fresh]).values_list(
            "replication_record_id", flat=True
        )
    )
    return {one.backup_id: one for one in fresh if one.key not in owned}


def _find_log(
    replication: Replication,
    record: ReplicationRecord,
    records: list[ReplicationRecord],
    logs: list[Sighting],
) -> Sighting | None:
    """Return the log of one record: by its backup, else by its resource where that is unambiguous."""
    fresh = [log for log in logs if log.is_newer_than(replication)]
    named = [log for log in fresh if log.backup_id == record.backup_id]
    if not named and record.resource_id:
        siblings = [one for one in records if one.resource_id == record.resource_id]
        named = [log for log in fresh if not log.backup_id and log.resource_id == record.resource_id]
        if len(siblings) > 1 or len(named) > 1:
            return None
    # The earliest: a later one would belong to work that was asked for later.
    return min(named, key=lambda log: (log.created_at is None, log.created_at or 0, log.key), default=None)


def advance(record: ReplicationRecord, sighting: Sighting, now: datetime) -> bool:
    """Take over what a sighting tells. Never back: not from final, not from running, not in percent.

    Returns whether the record is to be stored: it was read, even if nothing but the time changed.
    """
    if record.is_final:
        return False
    status, word = read_cloud_word(sighting.word), sighting.word[:64]
    if status == RecordStatus.WAITING and record.status == RecordStatus.RUNNING:
        status = RecordStatus.RUNNING
    progress = max(record.progress_percent or 0, sighting.progress_percent or 0)
    if sighting.progress_percent is None and record.progress_percent is None:
        shown: int | None = None
    else:
        shown = progress
    after = (status, word, shown, sighting.evidence.value)
    if after != (record.status, record.cloud_status, record.progress_percent, record.evidence):
        record.changed_at = now
    record.status, record.cloud_status, record.progress_percent, record.evidence = after
    record.read_at = now
    record.destination_backup_id = record.destination_backup_id or sighting.destination_backup_id
    if status in RECORD_FINAL:
        record.finished_at = now
        record.error_code = sighting.error_code[:64]
        record.error_message = sighting.error_message
    return True


def _wants_replicas(replication: Replication, records: list[ReplicationRecord], now: datetime) -> bool:
    """Return whether the destination vault has something to tell that we do not know yet."""
    sent = replication.submitted_at or now
    return any(
        (record.status == RecordStatus.SUCCEEDED and not record.has_arrived)
        or (not record.is_final and now >= (record.read_at or sent) + _SILENT)
        for record in records
    )


def _store(
    replication: Replication,
    records: list[ReplicationRecord],
    changed: Iterable[ReplicationRecord],
    now: datetime,
) -> None:
    """Write the records and roll up, in one transaction; nothing if another worker's look was stored meanwhile.

    A look that took longer than the pause to the next one would else put an older state over a newer one.
    """
    changed = list(changed)
    with transaction.atomic(durable=True):
        unchanged_since = Replication.objects.filter(pk=replication.pk, version=replication.version)
        if not unchanged_since.update(version=F("version") + int(bool(changed))):
            return
        ReplicationRecord.objects.bulk_update(
            changed,
            [
                "status", "cloud_status", "progress_percent", "evidence", "operation_log_id", "replication_record_id", "error_code",
                "error_message", "changed_at", "read_at", "finished_at", "arrived_at", "destination_backup_id",
            ],
            batch_size=100,
        )  # fmt: skip
        if any(record.changed_at == now for record in changed):
            Replication.objects.filter(pk=replication.pk).update(changed_at=now)
        _finish(replication, records, now)
        restore_points.note_arrivals(replication, changed)


def _finish(replication: Replication, records: list[ReplicationRecord], now: datetime) -> None:
    """End the replication when its records have, and the looks when nothing is left to see."""
    status = roll_up(record.status for record in records)
    if status == ReplicationStatus.RUNNING:
        return
    row = Replication.objects.filter(pk=replication.pk)
    awaiting = [
        record for record in records if record.status == RecordStatus.SUCCEEDED and not record.has_arrived
    ]
    if not replication.is_final and row.move(ReplicationStatus.RUNNING, status, now=now):
        replication.finished_at = now
        inventory.make_due(destination_cloud(replication), now)
        _tell(replication, AuditAction.FINISHED, ReplicationStatus.RUNNING, status, records, now)
    if not awaiting:
        ended = row.filter(check_after__isnull=False).update(check_after=None, version=F("version") + 1)
        if ended and any(record.has_arrived for record in records):
            _tell(replication, AuditAction.ARRIVED, status, status, records, now)
    elif not destination_cloud(replication) or _window_is_over(replication, now):
        row.update(check_after=None, version=F("version") + 1)


def _window_is_over(replication: Replication, now: datetime) -> bool:
    return (
        replication.finished_at is not None
        and now > replication.finished_at + settings.REPLICATION_ARRIVAL_WINDOW
    )


def _tell(
    replication: Replication,
    action: AuditAction,
    before: ReplicationStatus,
    after: ReplicationStatus,
    records: list[ReplicationRecord],
    now: datetime,
) -> None:
    counts: dict[str, Any] = {
        one.value: sum(record.status == one for record in records) for one in RecordStatus
    }
    audit.record(
        action,
        now=now,
        replication=replication,
        from_status=before,
        to_status=after,
        arrived=sum(record.has_arrived for record in records),
        **{name: count for name, count in counts.items() if count},
    )
