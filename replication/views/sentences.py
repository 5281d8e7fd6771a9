"""One or two sentences on a replication: what is known of it, and what happens next.

Promises only what the worker does by itself, and says where nobody knows. Knows no page.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from replication.lifecycle import RecordStatus, ReplicationStatus
from replication.models import Replication, ReplicationRecord
from replication.services.throttle import Cause, Wait


@dataclass(frozen=True, slots=True)
class Tally:
    """How many records a replication has, and how far they are."""

    total: int
    over: int
    copied: int
    arrived: int

    @classmethod
    def of(cls, records: Iterable[ReplicationRecord]) -> "Tally":
        """Count the records, each as often as its attribute `alike` says, else once."""
        counted = [(record, getattr(record, "alike", 1)) for record in records]
        return cls(
            total=sum(count for _record, count in counted),
            over=sum(count for record, count in counted if record.is_final),
            copied=sum(count for record, count in counted if record.status == RecordStatus.SUCCEEDED),
            arrived=sum(count for record, count in counted if record.has_arrived),
        )


def describe(replication: Replication, tally: Tally, wait: Wait | None = None) -> str:
    """Say how it stands; `wait` tells why it has not been sent yet, if it has not."""
    if wait is not None and wait.cause not in {Cause.WORKER, Cause.PAUSE}:
        return " ".join([_("It is written down, and nothing was sent yet."), tell_wait(wait)])
    return _TELLERS[ReplicationStatus(replication.status)](replication, tally)


def tell_wait(wait: Wait) -> str:
    """Say in one sentence what a replication waits for."""
    if wait.cause == Cause.SAFE_MODE:
        return _("Waits: safe mode is on, and its project has not been swept yet.")
    if wait.cause == Cause.PAUSE and wait.until:
        clock = formats.date_format(timezone.localtime(wait.until), "H:i")
        return _("Waits: it could not be delivered; next attempt at %(time)s.") % {"time": clock}
    if wait.cause == Cause.SAME_VAULT and wait.behind:
        return _("Waits for replication %(reference)s of the same vault.") % {
            "reference": wait.behind.reference
        }
    if wait.cause == Cause.REGION_FULL:
        return _("Waits: %(taken)d of at most %(limit)d replications to %(region)s are under way.") % {
            "taken": wait.under_way,
            "limit": wait.limit,
            "region": wait.region,
        }
    return _("A worker sends it within seconds.")


def announce(replication: Replication, tally: Tally) -> str:
    """Say it briefly to somebody who listens: changes with the status and with each quarter that is over."""
    status = replication.get_status_display()
    if not tally.total:
        return status
    if replication.is_final:
        return ngettext(
            "%(status)s: %(copied)d of %(total)d backup copied, %(arrived)d arrived.",
            "%(status)s: %(copied)d of %(total)d backups copied, %(arrived)d arrived.",
            tally.total,
        ) % {"status": status, "copied": tally.copied, "total": tally.total, "arrived": tally.arrived}
    quarter = tally.over * 4 // tally.total * 25
    return _("%(status)s: %(percent)d %% of the backups are over.") % {"status": status, "percent": quarter}


def _requested(replication: Replication, _tally: Tally) -> str:
    if replication.attempt:
        return ngettext(
            "It could not be delivered in %(count)d attempt, so nothing was started. The next attempt follows by itself.",
            "It could not be delivered in %(count)d attempts, so nothing was started. The next attempt follows by itself.",
            replication.attempt,
        ) % {"count": replication.attempt}
    return _("It is written down, and nothing was sent yet. A worker sends it within seconds.")


def _rearmed(replication: Replication, tally: Tally) -> str:
    if replication.rearmed:
        return _("A person decided that it was never started. A worker sends it again within seconds.")
    return _requested(replication, tally)


def _submitting(_replication: Replication, _tally: Tally) -> str:
    return _("A worker is sending it to the cloud. The answer brings the list of backups.")


def _unconfirmed(replication: Replication, _tally: Tally) -> str:
    if replication.adoption_allowed:
        return _("A person allowed to take over what the cloud shows. The next look does so.")
    return _(
        "It was sent, but nobody knows whether the cloud carried it out. Do not start it again: the dashboard looks in "
        "the cloud by itself, and goes on as soon as it finds it there."
    )


def _running(_replication: Replication, tally: Tally) -> str:
    return ngettext(
        "The cloud accepted it and named %(count)d backup. What becomes of it is read again and again until it is over.",
        "The cloud accepted it and named %(count)d backups. What becomes of them is read again and again until all are over.",
        tally.total,
    ) % {"count": tally.total}


def _succeeded(replication: Replication, tally: Tally) -> str:
    if not tally.total:
        return _("The cloud accepted it and found no backup that still had to be replicated.")
    if not tally.copied:
        return _("The cloud accepted it, but skipped every backup. Nothing was copied.")
    if tally.arrived == tally.copied:
        return ngettext(
            "%(count)d backup was copied and has been seen in the destination vault.",
            "%(count)d backups were copied, and all of them have been seen in the destination vault.",
            tally.copied,
        ) % {"count": tally.copied}
    return f"{_copied(tally)} {_arrival(replication, tally)}"


def _partial(replication: Replication, tally: Tally) -> str:
    told = [
        _copied(tally),
        _("The others were not, for the reasons below; a new replication takes on what is missing."),
    ]
    if tally.arrived < tally.copied:
        told.append(_arrival(replication, tally))
    return " ".join(told)


def _copied(tally: Tally) -> str:
    return ngettext(
        "The source region says that %(copied)d of %(total)d backup is copied.",
        "The source region says that %(copied)d of %(total)d backups are copied.",
        tally.total,
    ) % {"copied": tally.copied, "total": tally.total}


def _arrival(replication: Replication, tally: Tally) -> str:
    missing = tally.copied - tally.arrived
    if replication.may_change:
        return ngettext(
            "%(count)d replica has not been seen in the destination vault yet; it is still being looked for.",
            "%(count)d replicas have not been seen in the destination vault yet; they are still being looked for.",
            missing,
        ) % {"count": missing}
    return ngettext(
        "%(count)d replica was not seen in the destination vault, and it is no longer looked for.",
        "%(count)d replicas were not seen in the destination vault, and they are no longer looked for.",
        missing,
    ) % {"count": missing}


def _failed(replication: Replication, tally: Tally) -> str:
    if tally.total:
        return _("The cloud accepted it, but copied none of the backups. The reasons stand below.")
    return ngettext(
        "It could not be delivered in %(count)d attempt and was given up. Nothing was started.",
        "It could not be delivered in %(count)d attempts and was given up. Nothing was started.",
        replication.attempt,
    ) % {"count": replication.attempt}


def _rejected(_replication: Replication, _tally: Tally) -> str:
    return _("The cloud declined the request. Nothing was started.")


def _cancelled(replication: Replication, _tally: Tally) -> str:
    if replication.submitted_at is None:
        return _("It was withdrawn before anything was sent.")
    return _("It was withdrawn. As far as anybody could find out, nothing was started.")


_TELLERS = {
    ReplicationStatus.REQUESTED: _rearmed,
    ReplicationStatus.SUBMITTING: _submitting,
    ReplicationStatus.UNCONFIRMED: _unconfirmed,
    ReplicationStatus.RUNNING: _running,
    ReplicationStatus.SUCCEEDED: _succeeded,
    ReplicationStatus.PARTIAL: _partial,
    ReplicationStatus.FAILED: _failed,
    ReplicationStatus.REJECTED: _rejected,
    ReplicationStatus.CANCELLED: _cancelled,
}
