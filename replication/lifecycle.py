"""The life of a replication and of each of its records, on one page.

Statuses, the transitions between them and the roll-up of records into a replication. Pure: no database, no clock,
no cloud, so that the part that must never be wrong can be tested over all pairs in milliseconds.

    requested -> submitting -> running -> succeeded | partial | failed
        |            |-> rejected            ^
        |            |-> unconfirmed --------| its records were found in the cloud
        |<-----------'   |  (a person re-arms or withdraws it, shown the evidence)
        |<---------------'
        '-> cancelled (withdrawn before anything was sent) | failed (never delivered, attempts used up)
"""

from collections.abc import Iterable

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class ReplicationStatus(TextChoices):
    """What we know of one replication: one POST to checkpoints/replicate, or to backups/{backup_id}/replicate."""

    #: Written down, nothing sent yet. May be withdrawn.
    REQUESTED = "requested", _("Queued")
    #: A worker has claimed it; the request may be on its way.
    SUBMITTING = "submitting", _("Submitting")
    #: The request may have been carried out; the answer is not known. Blocks its pair until settled.
    UNCONFIRMED = "unconfirmed", _("Unclear, being reconciled")
    #: The cloud has accepted it and works on its records.
    RUNNING = "running", _("Running")
    #: Every record succeeded or was skipped, or there was nothing to replicate.
    SUCCEEDED = "succeeded", _("Succeeded")
    #: Some records succeeded, others did not.
    PARTIAL = "partial", _("Partly succeeded")
    #: No record succeeded, or the request was never delivered.
    FAILED = "failed", _("Failed")
    #: The cloud declined the request. Nothing was started.
    REJECTED = "rejected", _("Refused by the cloud")
    #: Withdrawn by a person. Nothing was started.
    CANCELLED = "cancelled", _("Withdrawn")


class RecordStatus(TextChoices):
    """What we know of one backup within a replication."""

    #: The cloud has queued it.
    WAITING = "waiting", _("Waiting")
    #: The cloud is copying it.
    RUNNING = "running", _("Being copied")
    #: The source region says that it is copied. Arrival is a fact of its own.
    SUCCEEDED = "succeeded", _("Copied")
    #: The cloud gave up on it.
    FAILED = "failed", _("Failed")
    #: The cloud did not attempt it.
    SKIPPED = "skipped", _("Skipped")
    #: A step took longer than the cloud allows.
    TIMED_OUT = "timed_out", _("Timed out")
    #: The cloud used a word that we do not know; we keep asking.
    UNKNOWN = "unknown", _("Not yet known")


_S = ReplicationStatus

#: Every allowed step. What is not listed never happens.
TRANSITIONS: dict[ReplicationStatus, frozenset[ReplicationStatus]] = {
    _S.REQUESTED: frozenset({_S.SUBMITTING, _S.CANCELLED, _S.FAILED}),
    _S.SUBMITTING: frozenset(
        # Straight to succeeded: an accepted request whose list of backups is empty has nothing left to do.
        {_S.RUNNING, _S.SUCCEEDED, _S.REJECTED, _S.REQUESTED, _S.UNCONFIRMED}
    ),
    _S.UNCONFIRMED: frozenset({_S.RUNNING, _S.REQUESTED, _S.CANCELLED}),
    _S.RUNNING: frozenset({_S.SUCCEEDED, _S.PARTIAL, _S.FAILED}),
    _S.SUCCEEDED: frozenset(),
    _S.PARTIAL: frozenset(),
    _S.FAILED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.CANCELLED: frozenset(),
}

FINAL: frozenset[ReplicationStatus] = frozenset(
    status for status, onward in TRANSITIONS.items() if not onward
)
ACTIVE: frozenset[ReplicationStatus] = frozenset(ReplicationStatus) - FINAL
#: Statuses in which the request may have reached the cloud.
MAY_HAVE_SENT: frozenset[ReplicationStatus] = frozenset(
    {_S.SUBMITTING, _S.UNCONFIRMED, _S.RUNNING, _S.SUCCEEDED, _S.PARTIAL, _S.REJECTED}
)
#: Statuses in which the cloud works on it, or may: sent, and not over.
UNDER_WAY: frozenset[ReplicationStatus] = ACTIVE & MAY_HAVE_SENT
#: Statuses that a person should look at.
NEEDS_ATTENTION: frozenset[ReplicationStatus] = frozenset(
    {_S.UNCONFIRMED, _S.PARTIAL, _S.FAILED, _S.REJECTED}
)

RECORD_FINAL: frozenset[RecordStatus] = frozenset(
    {RecordStatus.SUCCEEDED, RecordStatus.FAILED, RecordStatus.SKIPPED, RecordStatus.TIMED_OUT}
)

#: The cloud's words: replication_records[].status and operation_logs[].status. They do not overlap in meaning.
CLOUD_WORDS: dict[str, RecordStatus] = {
    "waiting_replicate": RecordStatus.WAITING,
    "replicating": RecordStatus.RUNNING,
    "success": RecordStatus.SUCCEEDED,
    "fail": RecordStatus.FAILED,
    "skip": RecordStatus.SKIPPED,
    "waiting": RecordStatus.WAITING,
    "running": RecordStatus.RUNNING,
    "failed": RecordStatus.FAILED,
    "skipped": RecordStatus.SKIPPED,
    "timeout": RecordStatus.TIMED_OUT,
}


class IllegalTransition(Exception):
    """Somebody asked for a step that the table does not allow."""


def check_transition(from_status: str, to_status: str) -> None:
    """Raise `IllegalTransition` unless the table allows this step."""
    if ReplicationStatus(to_status) not in TRANSITIONS[ReplicationStatus(from_status)]:
        raise IllegalTransition(f"{from_status} -> {to_status}")


def read_cloud_word(word: str) -> RecordStatus:
    """Return our status for a word of the cloud; `UNKNOWN` for one that we have not met."""
    return CLOUD_WORDS.get(word, RecordStatus.UNKNOWN)


def roll_up(records: Iterable[str]) -> ReplicationStatus:
    """Return the status of an accepted replication from those of its records.

    No records at all means that the cloud found nothing to replicate: succeeded.
    """
    statuses = {RecordStatus(record) for record in records}
    if statuses - RECORD_FINAL:
        return ReplicationStatus.RUNNING
    if statuses <= {RecordStatus.SUCCEEDED, RecordStatus.SKIPPED}:
        return ReplicationStatus.SUCCEEDED
    if RecordStatus.SUCCEEDED not in statuses:
        return ReplicationStatus.FAILED
    return ReplicationStatus.PARTIAL
