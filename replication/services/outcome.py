"""Writes down how an attempt to send a replication went.

Each function is one durable transaction that moves the row by a conditional update, so that an answer that comes
after others have settled the replication changes nothing that they decided.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F

from replication.cloud import (
    AcceptedReplication,
    BackupOrder,
    CbrClient,
    CloudError,
    NotDelivered,
    OutcomeUnknown,
    Refused,
    ReplicateOrder,
    Throttled,
    Transcript,
)
from replication.lifecycle import ReplicationStatus
from replication.models import Attempt, AttemptOutcome, AuditAction, Backup, Replication, ReplicationRecord
from replication.models.replication import ReplicationQuerySet

from . import audit, inventory, scoring

#: The first look at the cloud after an unclear outcome; later ones follow at growing distance.
FIRST_LOOK = timedelta(seconds=15)
_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=5)
#: Refusals that say: somebody copies this already. After an unclear attempt that somebody may be us.
_SOMEBODY_COPIES = frozenset({"BackupService.6130", "BackupService.1009"})
_CONFLICT = 409


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to send: whose it is, and what is known of it from the wire."""

    replication: Replication
    worker_id: str
    number: int
    transcript: Transcript = field(default_factory=Transcript)

    @property
    def order(self) -> ReplicateOrder | BackupOrder:
        """What is sent: the order for the whole vault, or for the one backup."""
        one = self.replication
        if one.is_single:
            return BackupOrder(
                backup_id=one.backup_id,
                destination_region=one.destination_region,
                destination_project_id=one.destination_project_id,
                destination_vault_id=one.destination_vault_id,
                name=one.replica_name,
                description=one.replica_description,
            )
        return ReplicateOrder(
            vault_id=one.vault_id,
            destination_region=one.destination_region,
            destination_project_id=one.destination_project_id,
            destination_vault_id=one.destination_vault_id,
            auto_trigger=one.auto_trigger,
        )

    def send(self, client: CbrClient, before_connecting: Callable[[], None]) -> AcceptedReplication:
        """Send it once by the call that it needs, and take down what happens on the wire.

        Raises:
            CloudError: as the call does; or what `before_connecting` raises.
        """
        order = self.order
        if isinstance(order, BackupOrder):
            return client.replicate_backup(
                order, before_connecting=before_connecting, transcript=self.transcript
            )
        return client.replicate(order, before_connecting=before_connecting, transcript=self.transcript)


def record(delivery: Delivery, result: AcceptedReplication | CloudError, now: datetime) -> None:
    """Write down how the sending ended, whichever way."""
    if isinstance(result, CloudError):
        record_error(delivery, result, now)
    else:
        record_accepted(delivery, result, now)


def record_accepted(delivery: Delivery, accepted: AcceptedReplication, now: datetime) -> None:
    """Store the cloud's answer in full, one record a backup. An empty list is over at once: nothing to replicate."""
    try:
        with transaction.atomic(durable=True):
            _end_attempt(delivery, AttemptOutcome.ACCEPTED, now)
            if not _move_to_accepted(delivery, accepted, now):
                _keep_late_answer(delivery.replication, accepted, now)
    except IntegrityError as error:
        # The answer repeats a record id that another replication owns: it is not an answer to this request.
        unclear = OutcomeUnknown(
            f"The answer names replication records that belong to another replication ({error}).",
            region=delivery.replication.source_region,
            request_id=accepted.request_id,
        )
        record_error(delivery, unclear, now)


def _mine(delivery: Delivery) -> ReplicationQuerySet:
    return Replication.objects.filter(
        pk=delivery.replication.pk, claimed_by=delivery.worker_id, attempt=delivery.number
    )


def _end_attempt(delivery: Delivery, outcome: AttemptOutcome, now: datetime, code: str = "") -> None:
    """End the row of the attempt. One that was given up for lost is completed: its worker lives after all."""
    seen = delivery.transcript
    Attempt.objects.filter(
        replication=delivery.replication,
        number=delivery.number,
        outcome__in=[AttemptOutcome.PENDING, AttemptOutcome.ABANDONED],
    ).update(
        outcome=outcome,
        ended_at=now,
        http_status=seen.http_status,
        error_code=code[:64],
        cloud_request_id=seen.request_id[:255],
        bytes_written=seen.bytes_written,
        answer_digest=seen.answer_digest,
        answer=seen.answer,
    )


def abandon_attempt(replication: Replication, now: datetime) -> None:
    """End the row of an attempt whose worker is lost; within the caller's transaction."""
    Attempt.objects.filter(replication=replication, outcome=AttemptOutcome.PENDING).update(
        outcome=AttemptOutcome.ABANDONED, ended_at=now
    )


def _move_to_accepted(delivery: Delivery, accepted: AcceptedReplication, now: datetime) -> bool:
    replication = delivery.replication
    status = ReplicationStatus.RUNNING if accepted.backups else ReplicationStatus.SUCCEEDED
    answer = {
        "response": dict(accepted.document),
        "cloud_request_id": accepted.request_id[:255],
        "provider_id": accepted.provider_id,
        "claimed_until": None,
        "check_after": now + settings.REPLICATION_PROGRESS_INTERVAL if accepted.backups else None,
        "error_code": "",
        "error_message": "",
        "forecast_score": scoring.score_accepted(
            replication.forecast, [one.backup_id for one in accepted.backups]
        ),
    }
    before = ReplicationStatus.SUBMITTING
    moved = _mine(delivery).move(before, status, now=now, **answer)
    if not moved and accepted.backups:
        # We were thought dead, but nobody has settled it yet: the answer is better than any search for it.
        before = ReplicationStatus.UNCONFIRMED
        moved = _mine(delivery).move(before, status, now=now, **answer)
    if moved:
        create_records(
            replication, [(one.backup_id, one.replication_record_id, "") for one in accepted.backups], now
        )
        audit.record(
            AuditAction.ACCEPTED,
            now=now,
            replication=replication,
            from_status=before,
            to_status=status,
            cloud_request_id=accepted.request_id,
            backups=len(accepted.backups),
            records={one.replication_record_id: one.backup_id for one in accepted.backups},
        )
    return moved


def _keep_late_answer(replication: Replication, accepted: AcceptedReplication, now: datetime) -> None:
    """Others have settled it meanwhile: complete what they could not know, and keep the answer as evidence."""
    replication.refresh_from_db()
    Replication.objects.filter(pk=replication.pk, response__isnull=True).update(
        response=dict(accepted.document),
        cloud_request_id=accepted.request_id[:255],
        provider_id=accepted.provider_id,
        version=F("version") + 1,
    )
    for one in accepted.backups:
        ReplicationRecord.objects.filter(
            replication=replication, backup_id=one.backup_id, replication_record_id=""
        ).update(replication_record_id=one.replication_record_id)
    audit.record(
        AuditAction.LATE_ANSWER,
        now=now,
        replication=replication,
        from_status=replication.status,
        to_status=replication.status,
        cloud_request_id=accepted.request_id,
        answer=dict(accepted.document),
    )


def create_records(replication: Replication, found: list[tuple[str, str, str]], now: datetime) -> None:
    """Insert one record for each (backup id, record id, operation log id), with what our inventory knows of it."""
    records = [
        ReplicationRecord(
            backup_id=backup_id, replication_record_id=record_id, operation_log_id=log_id, changed_at=now
        )
        for backup_id, record_id, log_id in found
    ]
    describe_records(replication, records)
    ReplicationRecord.objects.bulk_create(records)


def describe_records(replication: Replication, records: list[ReplicationRecord]) -> None:
    """Make the records the replication's, and copy what our inventory knows of their backups. One query."""
    known = {
        backup.backup_id: backup
        for backup in Backup.objects.filter(
            vault_id=replication.source_vault_id, backup_id__in=[record.backup_id for record in records]
        )
    }
    for record in records:
        record.replication = replication
        if backup := known.get(record.backup_id):
            record.source_backup = backup
            record.backup_name = backup.name
            record.resource_id = backup.resource_id
            record.resource_name = backup.resource_name
            record.resource_size_gb = backup.resource_size_gb


def record_error(delivery: Delivery, error: CloudError, now: datetime) -> None:
    """Decide from the error what may be done next, and write it down."""
    replication = delivery.replication
    after_unclear = replication.rearmed and error.code in _SOMEBODY_COPIES
    if isinstance(error, NotDelivered):
        _settle(delivery, _NOT_DELIVERED, error, now, _pause(replication, error))
    elif isinstance(error, Refused) and not after_unclear:
        somebody_copies = error.code in _SOMEBODY_COPIES or error.http_status == _CONFLICT
        # Who that is, is looked at once: see sweeping.look_after_refusals.
        _settle(delivery, _REFUSED, error, now, timedelta(0) if somebody_copies else None)
        if somebody_copies:
            inventory.make_due(replication.source_vault.project.cloud, now)
    else:
        # Refused as "being copied" after an unclear attempt counts as unclear: that attempt may have arrived.
        _settle(delivery, _UNCLEAR, error, now, FIRST_LOOK)


def record_not_sent(delivery: Delivery, now: datetime) -> None:
    """Put a claimed replication back: the claim ran out before anything was sent."""
    error = NotDelivered(
        "The worker was held up for too long after it took this on, so it sent nothing.",
        region=delivery.replication.source_region,
    )
    _settle(delivery, _NOT_DELIVERED, error, now, _FIRST_PAUSE)


#: What follows for the replication, the audit and the attempt from how the sending ended.
_NOT_DELIVERED = (ReplicationStatus.REQUESTED, AuditAction.NOT_DELIVERED, AttemptOutcome.NOT_DELIVERED)
_REFUSED = (ReplicationStatus.REJECTED, AuditAction.REJECTED, AttemptOutcome.REFUSED)
_UNCLEAR = (ReplicationStatus.UNCONFIRMED, AuditAction.UNCONFIRMED, AttemptOutcome.UNKNOWN)


def _settle(
    delivery: Delivery,
    follows: tuple[ReplicationStatus, AuditAction, AttemptOutcome],
    error: CloudError,
    now: datetime,
    pause: timedelta | None,
) -> None:
    status, action, outcome = follows
    score = {}
    if status == ReplicationStatus.REJECTED:
        score["forecast_score"] = scoring.score_refused(delivery.replication.forecast, error.code)
    with transaction.atomic(durable=True):
        _end_attempt(delivery, outcome, now, error.code)
        moved = _mine(delivery).move(
            ReplicationStatus.SUBMITTING,
            status,
            now=now,
            check_after=None if pause is None else now + pause,
            claimed_until=None,
            cloud_request_id=error.request_id[:255],
            error_code=error.code[:64],
            error_message=str(error.message),
            **score,
        )
        audit.record(
            action if moved else AuditAction.LATE_ANSWER,
            now=now,
            replication=delivery.replication,
            from_status=ReplicationStatus.SUBMITTING,
            to_status=status if moved else "",
            cloud_request_id=error.request_id,
            **_told(error),
        )


def postpone(replication: Replication, error: CloudError, now: datetime) -> None:
    """Write down that it could not even be prepared; try again after a pause. It stays requested."""
    with transaction.atomic(durable=True):
        changed = Replication.objects.filter(
            pk=replication.pk, status=ReplicationStatus.REQUESTED, attempt=replication.attempt
        ).update(
            attempt=F("attempt") + 1,
            check_after=now + _pause(replication, error),
            changed_at=now,
            version=F("version") + 1,
            cloud_request_id=error.request_id[:255],
            error_code=error.code[:64],
            error_message=str(error.message),
        )
        if changed:
            audit.record(
                AuditAction.NOT_DELIVERED,
                now=now,
                replication=replication,
                from_status=ReplicationStatus.REQUESTED,
                to_status=ReplicationStatus.REQUESTED,
                cloud_request_id=error.request_id,
                attempt=replication.attempt + 1,
                **_told(error),
            )


def give_up(replication: Replication, now: datetime) -> None:
    """End a replication that was provably never delivered, after the last attempt. The last error stays."""
    with transaction.atomic(durable=True):
        if Replication.objects.filter(pk=replication.pk).move(
            ReplicationStatus.REQUESTED, ReplicationStatus.FAILED, now=now, check_after=None
        ):
            audit.record(
                AuditAction.FINISHED,
                now=now,
                replication=replication,
                from_status=ReplicationStatus.REQUESTED,
                to_status=ReplicationStatus.FAILED,
                attempts=replication.attempt,
                message=replication.error_message,
            )


def withdraw_for_lost_right(replication: Replication, now: datetime) -> None:
    """Withdraw a replication whose requester may not trigger any more. Rights count when it is sent."""
    _withdraw(
        replication,
        now,
        code="not_permitted",
        message="The requester lost the right to start replications before it was sent.",
    )


def withdraw_as_needless(replication: Replication, by: Replication, now: datetime) -> None:
    """Withdraw a single backup's replication that waited while another one has copied its backup to the region."""
    _withdraw(
        replication,
        now,
        code="replicated_meanwhile",
        message=f"While it waited, replication {by.reference} took this backup to the region. Nothing was sent.",
    )


def _withdraw(replication: Replication, now: datetime, *, code: str, message: str) -> None:
    with transaction.atomic(durable=True):
        if Replication.objects.filter(pk=replication.pk).move(
            ReplicationStatus.REQUESTED,
            ReplicationStatus.CANCELLED,
            now=now,
            check_after=None,
            error_code=code,
            error_message=message,
        ):
            audit.record(
                AuditAction.CANCELLED,
                now=now,
                replication=replication,
                from_status=ReplicationStatus.REQUESTED,
                to_status=ReplicationStatus.CANCELLED,
                message=message,
            )


def _pause(replication: Replication, error: CloudError) -> timedelta:
    """Return how long to wait: what the cloud asks for, else longer with each attempt."""
    if isinstance(error, Throttled) and error.retry_after is not None:
        return timedelta(seconds=error.retry_after)
    grown: timedelta = min(_FIRST_PAUSE * 2 ** min(replication.attempt, 10), _LONGEST_PAUSE)
    # Spread, so that what was held up together does not come back together.
    return grown * random.uniform(0.8, 1.2)  # noqa: S311  # no secret depends on it


def _told(error: CloudError) -> dict[str, Any]:
    """Return what the audit keeps of an error."""
    return {
        "error": type(error).__name__,
        "code": error.code,
        "http_status": error.http_status,
        "message": str(error.message),
    }
