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
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from replication.lifecycle import ACTIVE, ReplicationStatus
from replication.models import AuditAction, Batch, Look, Project, Replication, ReplicationRecord, Vault
from replication.roles import Right, require

from . import audit, preflight, submission
from .preflight import Destination, Forecast, Text

#: Complete looks that must have found nothing before a person may call a replication absent.
LOOKS_NEEDED = 3


class AlreadyActive(Exception):
    """Another replication of this vault to this region is not over yet. Nothing was changed."""

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
    """What a person wants: from where, to where, why."""

    source: Vault
    destination: Destination
    reason: str
    auto_trigger: bool = False
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
    existing, under_way = _in_the_way(wish, key)
    if existing:
        return existing, False
    expected = forecast(wish.source, wish.destination, under_way)
    if expected.blockers:
        raise NotReplicable(expected)
    if wish.seen and wish.seen != expected.digest:
        raise ForecastChanged(expected)
    try:
        return write_down(actor, wish, expected, key, now, request_id), True
    except IntegrityError:
        # Somebody was faster between our look and our insert: the constraint has decided, we only say who it was.
        existing, _others = _in_the_way(wish, key)
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
    """
    with transaction.atomic(durable=batch is None):
        replication = Replication.objects.create(
            key=key,
            batch=batch,
            actor=actor,
            reason=wish.reason,
            source_vault=wish.source,
            destination=wish.destination.vault,
            auto_trigger=wish.auto_trigger,
            forecast=expected.as_json(),
            requested_at=now,
            changed_at=now,
            check_after=now,
            **_frozen(wish),
        )
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
    }


def _same_wish(existing: Replication, wish: Wish) -> Replication:
    frozen = _frozen(wish)
    if any(getattr(existing, name) != value for name, value in frozen.items()):
        raise KeyReused(existing)
    return existing


def _in_the_way(wish: Wish, key: uuid.UUID) -> tuple[Replication | None, list[Replication]]:
    """Return the replication that this key has made already, and those of the vault to other regions that are not over.

    One query when nothing is in the way.

    Raises:
        AlreadyActive, KeyReused: as `request_replication` says.
    """
    active = Q(source_vault=wish.source, status__in=sorted(ACTIVE))
    found = list(Replication.objects.filter(Q(key=key) | active).only("key", "destination_region"))
    made = next((one for one in found if one.key == key), None)
    here = next((one for one in found if one.destination_region == wish.destination.region), None)
    if made:
        return _same_wish(Replication.objects.with_names().get(pk=made.pk), wish), []
    if here:
        raise AlreadyActive(Replication.objects.with_names().get(pk=here.pk))
    return None, found


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
