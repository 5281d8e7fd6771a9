"""What people decide about a replication: asking for one, withdrawing it, settling an unclear one.

Each function checks the right, changes one row by a conditional update and writes the audit entry in the same
transaction. Nothing here speaks to the cloud.
"""

import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db import connection as database
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from replication.lifecycle import ACTIVE, ReplicationStatus
from replication.models import (
    AuditAction,
    Backup,
    Batch,
    Look,
    Project,
    Replication,
    ReplicationRecord,
    Vault,
)
from replication.roles import Right, require

from . import audit, preflight, standing, submission
from .preflight import Destination, Forecast, Text

#: Complete looks that must have found nothing before a person may call a replication absent.
LOOKS_NEEDED = 3


class AlreadyActive(Exception):
    """Another replication of this vault, or of this backup, to this region is not over yet. Nothing was changed."""

    def __init__(self, replication: Replication) -> None:
        self.replication = replication
        super().__init__(f"{replication.reference} is active")


class KeyReused(Exception):
    """The form's key was used for a replication with other parameters. Nothing was changed."""

    def __init__(self, replication: Replication) -> None:
        self.replication = replication
        super().__init__(f"key belongs to {replication.reference}")


class NotReplicable(Exception):
    """The forecast rules it out. Nothing was changed."""

    def __init__(self, forecast: Forecast) -> None:
        self.forecast = forecast
        super().__init__("; ".join(finding.code for finding in forecast.blockers))


class ForecastChanged(Exception):
    """What would happen is no longer what the person has been shown. Nothing was changed."""

    def __init__(self, forecast: Forecast) -> None:
        self.forecast = forecast
        super().__init__("the forecast has changed since it was shown")


class NotCancellable(Exception):
    """It is no longer waiting to be sent, so there is nothing to withdraw."""

    def __init__(self, replication: Replication) -> None:
        self.replication = replication
        super().__init__(f"{replication.reference} is {replication.status}")


class NotSettleable(Exception):
    """The evidence does not carry the decision. `reason` says what is missing."""

    def __init__(self, replication: Replication, reason: Text) -> None:
        self.replication = replication
        self.reason = reason
        super().__init__(str(reason))


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants: from where, to where, why; a whole vault, or one backup of it."""

    source: Vault
    destination: Destination
    reason: str
    auto_trigger: bool = False
    #: One of the source vault. Null: all of it.
    backup: Backup | None = None
    #: What the replica of the one backup shall be called; empty: the cloud chooses.
    name: str = ""
    description: str = ""
    #: `Forecast.digest` of what the person was shown; empty for whoever was shown none.
    seen: str = ""
    #: Id of the saved check that the person came from, for the audit.
    check_id: str = ""


def find_destination(*, region: str, project_id: str, vault_id: str) -> Destination:
    """Return the destination with the vault of our inventory, if these ids name one there."""
    vault = (
        Vault.objects.filter(
            vault_id=vault_id, project__project_id=project_id, project__region__name=region, vanished_at=None
        )
        .select_related("project__region")
        .first()
    )
    return Destination(region=region, project_id=project_id, vault_id=vault_id, vault=vault)


def forecast(
    source: Vault, destination: Destination, under_way: Sequence[Replication] | None = None
) -> Forecast:
    """Say what the trigger would do, from our inventory and our own history.

    `under_way` are the replications of the source vault that are not over, for callers that know them already. Three
    queries, one less for such callers, and one more where the inventory does not have the destination vault.
    """
    records = ReplicationRecord.objects.promising().filter(
        replication__source_vault=source, replication__destination_region=destination.region
    )
    known = preflight.Known.of(
        dict(records.values_list("backup_id", "status")),
        under_way=_under_way(source) if under_way is None else under_way,
        project=destination.vault.project if destination.vault else project_of(destination),
    )
    # Asked for by way of the vault, they know it: none is fetched again to see whether it holds replicas.
    backups = source.backups.present().order_by("-created_at", "backup_id")
    return preflight.forecast(source, destination, backups, known)


def forecast_backup(backup: Backup, destination: Destination) -> Forecast:
    """Say what the trigger for one backup would do. Needs of it the vault, its project and its region."""
    return preflight.forecast_backup(
        backup,
        destination,
        is_there=standing.stand_there([backup], destination.region)[backup.backup_id],
        project=destination.vault.project if destination.vault else project_of(destination),
    )


def project_of(destination: Destination) -> Project | None:
    """Return the project of ids typed by hand: they may contradict what we know."""
    return Project.objects.filter(project_id=destination.project_id).select_related("region").first()


def _under_way(source: Vault) -> list[Replication]:
    return list(Replication.objects.active().with_names().filter(source_vault=source))


def request_replication(
    *, actor: User, wish: Wish, key: uuid.UUID, now: datetime, request_id: str = ""
) -> tuple[Replication, bool]:
    """Write down that a replication is wanted, and nudge the worker.

    Returns the replication and whether this call made it: the same key again returns the same replication.

    Raises:
        NotPermitted: the actor may not trigger.
        NotReplicable: the cloud would refuse it.
        ForecastChanged: the person was shown another forecast.
        AlreadyActive: the vault is being replicated to this region, by whomever.
        KeyReused: the key belongs to a replication with other parameters.
    """
    require(actor, Right.TRIGGER)
    existing, under_way = _asked_before(wish, key)
    if existing:
        return existing, False
    expected = (
        forecast_backup(wish.backup, wish.destination)
        if wish.backup
        else forecast(wish.source, wish.destination, under_way)
    )
    if expected.blockers:
        raise NotReplicable(expected)
    if wish.seen and wish.seen != expected.digest:
        raise ForecastChanged(expected)
    try:
        return write_down(actor, wish, expected, key, now, request_id), True
    except IntegrityError:
        # Somebody was faster between our look and our insert: the constraint has decided, we only say who it was.
        existing, _others = _asked_before(wish, key)
        if existing:
            return existing, False
        raise


def write_down(
    actor: User,
    wish: Wish,
    expected: Forecast,
    key: uuid.UUID,
    now: datetime,
    request_id: str,
    batch: Batch | None = None,
) -> Replication:
    """Write down a replication whose right and forecast were checked; one of a batch in the batch's transaction.

    Raises:
        IntegrityError: its key is used, or its vault is being replicated to the region.
        AlreadyActive: a single backup of the vault is, or the whole vault of the single backup.
    """
    with transaction.atomic(durable=batch is None):
        if wish.backup:
            _let_nobody_write_meanwhile()
        replication = Replication.objects.create(
            key=key,
            batch=batch,
            actor=actor,
            reason=wish.reason,
            source_vault=wish.source,
            destination=wish.destination.vault,
            auto_trigger=wish.auto_trigger,
            backup_name=wish.backup.name if wish.backup else "",
            forecast=expected.as_json(),
            requested_at=now,
            changed_at=now,
            check_after=now,
            **_frozen(wish),
        )
        # Only now: what was written down before is seen by whoever comes second.
        if active := in_the_way(wish, beside=replication):
            raise AlreadyActive(active)
        audit.record(
            AuditAction.REQUESTED,
            now=now,
            actor=actor,
            replication=replication,
            to_status=replication.status,
            request_id=request_id,
            reason=wish.reason,
            auto_trigger=wish.auto_trigger,
            expected_backups=len(expected.to_replicate),
            expected_gb=expected.total_gb,
            check=wish.check_id,
            **_frozen(wish),
        )
        # A row in our own database: rolled back with the rest, and lost without harm. A batch needs none: the next
        # round begins with what is due, and hundreds of nudges would only keep the workers from it.
        if batch is None:
            submission.submit_task.enqueue(str(replication.id))
    return replication


def _frozen(wish: Wish) -> dict[str, str]:
    return {
        "source_region": wish.source.project.region.name,
        "source_project_id": wish.source.project.project_id,
        "vault_id": wish.source.vault_id,
        "destination_region": wish.destination.region,
        "destination_project_id": wish.destination.project_id,
        "destination_vault_id": wish.destination.vault_id,
        "backup_id": wish.backup.backup_id if wish.backup else "",
        "replica_name": wish.name,
        "replica_description": wish.description,
    }


def _let_nobody_write_meanwhile() -> None:
    """Make the transaction the only one that writes replications, where the database does not do so by itself.

    A whole vault and a single backup of it exclude each other, and no unique constraint can say that. Both look for the
    other after they were written down; that is enough as long as one of the two waits until the other is committed.
    """
    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {Replication._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")  # noqa: SLF001  # Django's documented name for it


def _same_wish(existing: Replication, wish: Wish) -> Replication:
    frozen = _frozen(wish)
    if any(getattr(existing, name) != value for name, value in frozen.items()):
        raise KeyReused(existing)
    return existing


def _asked_before(wish: Wish, key: uuid.UUID) -> tuple[Replication | None, list[Replication]]:
    """Return the replication that this key has made already, and those of the vault to other regions that are not over.

    One query when nothing is in the way.

    Raises:
        AlreadyActive, KeyReused: as `request_replication` says.
    """
    active = Q(source_vault=wish.source, status__in=sorted(ACTIVE))
    found = list(
        Replication.objects.filter(Q(key=key) | active).only("key", "destination_region", "backup_id")
    )
    made = next((one for one in found if one.key == key), None)
    here = next((one for one in found if _excludes(one, wish)), None)
    if made:
        return _same_wish(Replication.objects.with_names().get(pk=made.pk), wish), []
    if here:
        raise AlreadyActive(Replication.objects.with_names().get(pk=here.pk))
    return None, found


def _excludes(active: Replication, wish: Wish) -> bool:
    """Return whether this active one of the vault rules the wish out: single backups of one vault only take turns."""
    if active.destination_region != wish.destination.region:
        return False
    return not wish.backup or active.backup_id in {"", wish.backup.backup_id}


def in_the_way(wish: Wish, *, beside: Replication | None = None) -> Replication | None:
    """Return the replication that rules this one out, other than `beside`. One query when there is none.

    For a whole vault any of its vault and region; for a single backup that of the whole vault, or of the same backup:
    others of single backups take turns.
    """
    active = Replication.objects.active().of_pair(wish.source, wish.destination.region)
    if wish.backup:
        active = active.filter(backup_id__in=["", wish.backup.backup_id])
    found = next(
        (pk for pk in active.values_list("pk", flat=True)[:2] if not beside or pk != beside.pk), None
    )
    return Replication.objects.with_names().get(pk=found) if found else None


def withdraw_replication(
    *, actor: User, replication: Replication, now: datetime, request_id: str = ""
) -> None:
    """Withdraw a replication that was not sent yet.

    Raises:
        NotPermitted: the actor may not withdraw.
        NotCancellable: a worker has claimed it, or it is over.
    """
    require(actor, Right.WITHDRAW)
    with transaction.atomic(durable=True):
        if not _move(
            replication, ReplicationStatus.REQUESTED, ReplicationStatus.CANCELLED, now, check_after=None
        ):
            replication.refresh_from_db()
            raise NotCancellable(replication)
        _tell(AuditAction.CANCELLED, actor, replication, ReplicationStatus.REQUESTED, now, request_id)


def absence_gap(replication: Replication, now: datetime) -> Text:
    """Say what is still missing before a person may decide that the cloud never started it; empty: nothing.

    Several complete looks must have found nothing, the latest of them after the settle window: a window that is too
    short was measured to double replications. What was seen once and is gone, as when it turned out to be another
    replication's, makes looks and window begin anew.
    """
    if replication.status != ReplicationStatus.UNCONFIRMED or replication.submitted_at is None:
        return _("It is not unclear any more.")
    looks = list(Look.objects.filter(replication=replication, at__gte=replication.submitted_at))
    if looks and looks[0].found:
        return _("The cloud shows something that may be this replication. Look at the evidence first.")
    seen_at = max((look.at for look in looks if look.found), default=replication.submitted_at)
    settled_at = seen_at + settings.REPLICATION_SETTLE_WINDOW
    looks = [look for look in looks if look.at >= seen_at and not look.found]
    if now < settled_at:
        minutes = math.ceil((settled_at - now).total_seconds() / 60)
        return ngettext(
            "The cloud may still show it: wait %(minutes)d more minute.",
            "The cloud may still show it: wait %(minutes)d more minutes.",
            minutes,
        ) % {"minutes": minutes}
    complete = [look for look in looks if look.complete]
    if len(complete) < LOOKS_NEEDED:
        return _("%(done)d of %(needed)d complete looks at the cloud are done.") % {
            "done": len(complete),
            "needed": LOOKS_NEEDED,
        }
    if looks[0] is not complete[0] or complete[0].at < settled_at:
        return _("The latest look at the cloud was incomplete or too early. The next one follows by itself.")
    return ""


def rearm_replication(
    *, actor: User, replication: Replication, reason: str, now: datetime, request_id: str = ""
) -> None:
    """Send an unclear replication again, because a person, shown the evidence, says that it was never started.

    Raises:
        NotPermitted: the actor may not settle.
        NotSettleable: the evidence is not complete, or it is no longer unclear.
    """
    require(actor, Right.SETTLE)
    _demand_absence(replication, now)
    with transaction.atomic(durable=True):
        if not _move(
            replication,
            ReplicationStatus.UNCONFIRMED,
            ReplicationStatus.REQUESTED,
            now,
            check_after=now,
            rearmed=True,
            claimed_by="",
            claimed_until=None,
            error_code="",
            error_message="",
        ):
            raise NotSettleable(replication, _("It is not unclear any more."))
        _tell(
            AuditAction.REARMED,
            actor,
            replication,
            ReplicationStatus.UNCONFIRMED,
            now,
            request_id,
            reason=reason,
        )
        submission.submit_task.enqueue(str(replication.id))


def give_up_replication(
    *, actor: User, replication: Replication, reason: str, now: datetime, request_id: str = ""
) -> None:
    """Withdraw an unclear replication, because a person, shown the evidence, says that it was never started.

    Raises:
        NotPermitted: the actor may not settle.
        NotSettleable: the evidence is not complete, or it is no longer unclear.
    """
    require(actor, Right.SETTLE)
    _demand_absence(replication, now)
    with transaction.atomic(durable=True):
        if not _move(
            replication, ReplicationStatus.UNCONFIRMED, ReplicationStatus.CANCELLED, now, check_after=None
        ):
            raise NotSettleable(replication, _("It is not unclear any more."))
        _tell(
            AuditAction.CANCELLED,
            actor,
            replication,
            ReplicationStatus.UNCONFIRMED,
            now,
            request_id,
            reason=reason,
        )


def allow_adoption(
    *, actor: User, replication: Replication, reason: str, now: datetime, request_id: str = ""
) -> None:
    """Let the next look take over candidates that cannot be told apart from other work on the same vault.

    Raises:
        NotPermitted: the actor may not settle.
        NotSettleable: there is no candidate, or it is no longer unclear.
    """
    require(actor, Right.SETTLE)
    latest = Look.objects.filter(replication=replication).first()
    if latest is None or not latest.found:
        raise NotSettleable(replication, _("The latest look at the cloud found nothing to take over."))
    with transaction.atomic(durable=True):
        changed = Replication.objects.filter(pk=replication.pk, status=ReplicationStatus.UNCONFIRMED).update(
            adoption_allowed=True, check_after=now, changed_at=now, version=F("version") + 1
        )
        if not changed:
            raise NotSettleable(replication, _("It is not unclear any more."))
        _tell(
            AuditAction.ADOPTION_ALLOWED,
            actor,
            replication,
            ReplicationStatus.UNCONFIRMED,
            now,
            request_id,
            reason=reason,
        )


def _demand_absence(replication: Replication, now: datetime) -> None:
    if gap := absence_gap(replication, now):
        raise NotSettleable(replication, gap)


def _move(replication: Replication, before: str, after: str, now: datetime, **changes: object) -> bool:
    moved = Replication.objects.filter(pk=replication.pk).move(before, after, now=now, **changes)
    if moved:
        replication.status = after
    return moved


def _tell(
    action: AuditAction,
    actor: User,
    replication: Replication,
    before: str,
    now: datetime,
    request_id: str,
    reason: str = "",
) -> None:
    audit.record(
        action,
        now=now,
        actor=actor,
        replication=replication,
        from_status=before,
        to_status=replication.status,
        request_id=request_id,
        reason=reason,
    )
