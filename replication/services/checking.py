"""The whole look before sending: the forecast with room, cost and time; and checks, which keep such a look.

A check is evidence of what was known when it was made. It allows nothing: whoever goes on from it gets a new forecast, and
is told what differs.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from replication.cloud import BackupOrder, ReplicateOrder
from replication.models import AuditAction, Check, RateCard, Replication, Vault
from replication.roles import Right, require

from . import audit, equivalents, quotes, triggering
from .equivalents import Command
from .preflight import BackupVerdict, Destination, Finding, Forecast, Size, Verdict
from .quotes import Cost, Duration, Room


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would happen, and what it would take."""

    forecast: Forecast
    #: When the cloud last confirmed what the forecast speaks from: the older of the two vaults. Null: not known.
    seen_at: datetime | None
    room: Room | None
    cost: Cost | None
    #: Whether an administrator had entered prices.
    has_rate_card: bool
    duration: Duration

    @property
    def size(self) -> Size:
        """How much would be copied at most."""
        return self.forecast.size

    def snapshot(self) -> dict[str, Any]:
        """Return everything that a page shows of it, as JSON."""
        return {
            "forecast": self.forecast.snapshot(),
            "seen_at": self.seen_at.isoformat() if self.seen_at else None,
            "room": asdict(self.room) if self.room else None,
            "cost": self.cost.snapshot() if self.cost else None,
            "has_rate_card": self.has_rate_card,
            "duration": self.duration.snapshot(),
        }

    @classmethod
    def restore(cls, stored: dict[str, Any]) -> "Outlook":
        """Return what `snapshot` has stored."""
        return cls(
            forecast=Forecast.restore(stored["forecast"]),
            seen_at=parse_datetime(stored["seen_at"]) if stored["seen_at"] else None,
            room=Room(**stored["room"]) if stored["room"] else None,
            cost=Cost.restore(stored["cost"]) if stored["cost"] else None,
            has_rate_card=stored["has_rate_card"],
            duration=Duration.restore(stored["duration"]),
        )


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A rule of which something else is known now. Null: the check did not have the rule."""

    before: Finding | None
    now: Finding


@dataclass(frozen=True, slots=True)
class BackupChange:
    """A backup whose verdict is another one now. Null: it was not there yet, or it is no longer there."""

    before: BackupVerdict | None
    now: BackupVerdict | None

    @property
    def name(self) -> str:
        """What the backup is called, or its id."""
        one = self.now or self.before
        return one.backup.name or one.backup.backup_id if one else ""


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs between two looks."""

    rules: tuple[RuleChange, ...]
    backups: tuple[BackupChange, ...]
    size_before: Size
    size_now: Size

    def __bool__(self) -> bool:
        """Return whether anything differs."""
        return bool(self.rules or self.backups or self.size_before != self.size_now)


def look(source: Vault, destination: Destination, now: datetime) -> Outlook:
    """Say what would happen and what it would take. Two queries more than the forecast alone."""
    found = triggering.forecast(source, destination)
    card = quotes.rate_card(timezone.localdate(now))
    return _outlook(source, destination, found, card)


def _outlook(source: Vault, destination: Destination, found: Forecast, card: RateCard | None) -> Outlook:
    seen = [vault.seen_at for vault in (source, destination.vault) if vault and vault.seen_at]
    return Outlook(
        forecast=found,
        seen_at=min(seen, default=None),
        room=Room.of(destination.vault, found.size),
        cost=quotes.cost(card, found.size),
        has_rate_card=card is not None,
        duration=quotes.duration(source, destination.region),
    )


def save_check(
    *,
    actor: User,
    source: Vault,
    destination: Destination,
    auto_trigger: bool,
    now: datetime,
    request_id: str = "",
) -> Check:
    """Look once more, and keep what is seen under an address of its own.

    Raises:
        NotPermitted: the actor may not trigger, so that nothing can come of the check.
    """
    require(actor, Right.TRIGGER)
    outlook = look(source, destination, now)
    frozen: dict[str, Any] = {
        "source_region": source.project.region.name,
        "source_project_id": source.project.project_id,
        "vault_id": source.vault_id,
        "destination_region": destination.region,
        "destination_project_id": destination.project_id,
        "destination_vault_id": destination.vault_id,
    }
    with transaction.atomic(durable=True):
        check = Check.objects.create(
            actor=actor,
            made_at=now,
            source_vault=source,
            destination=destination.vault,
            auto_trigger=auto_trigger,
            result=outlook.snapshot(),
            **frozen,
        )
        audit.record(
            AuditAction.CHECKED,
            now=now,
            actor=actor,
            request_id=request_id,
            check=str(check.pk),
            expected_backups=len(outlook.forecast.to_replicate),
            blockers=[finding.code for finding in outlook.forecast.blockers],
            **frozen,
        )
    return check


def result_of(check: Check) -> Outlook:
    """Return what the check saw."""
    return Outlook.restore(check.result)


def since(check: Check) -> list[Replication]:
    """Return the replications of the vault to the region that were asked for after the check, the newest first."""
    return list(
        Replication.objects.with_names()
        .newest_first()
        .filter(
            source_vault_id=check.source_vault_id,
            destination_region=check.destination_region,
            requested_at__gte=check.made_at,
        )[:5]
    )


def belongs_to(check: Check, source: Vault, destination: Destination) -> bool:
    """Return whether the check is of this vault and this destination."""
    return (check.source_vault_id, check.destination_region, check.destination_project_id) == (
        source.pk,
        destination.region,
        destination.project_id,
    ) and check.destination_vault_id == destination.vault_id


def compare(before: Forecast, now: Forecast) -> Changes:
    """Return what differs between two forecasts of the same thing: states of rules, verdicts of backups, the size."""
    rules = {finding.rule: finding for finding in before.rules}
    verdicts = {one.backup.backup_id: one for one in before.verdicts}
    present = {one.backup.backup_id: one for one in now.verdicts}
    backups = [
        BackupChange(verdicts.get(backup_id), one)
        for backup_id, one in present.items()
        if _verdict(verdicts.get(backup_id)) != one.verdict
    ]
    backups += [BackupChange(one, None) for backup_id, one in verdicts.items() if backup_id not in present]
    return Changes(
        rules=tuple(
            RuleChange(rules.get(finding.rule), finding)
            for finding in now.rules
            if _state(rules.get(finding.rule)) != finding.state
        ),
        backups=tuple(backups),
        size_before=before.size,
        size_now=now.size,
    )


def _verdict(one: BackupVerdict | None) -> Verdict | None:
    return one.verdict if one else None


def _state(finding: Finding | None) -> str | None:
    return finding.state if finding else None


def commands(source: Vault, destination: Destination, *, auto_trigger: bool) -> tuple[Command, ...]:
    """Return the same replication as commands."""
    return equivalents.replicate_vault(
        source_region=source.project.region.name,
        source_project_id=source.project.project_id,
        order=ReplicateOrder(
            vault_id=source.vault_id,
            destination_region=destination.region,
            destination_project_id=destination.project_id,
            destination_vault_id=destination.vault_id,
            auto_trigger=auto_trigger,
        ),
    )


def commands_for_backup(wish: triggering.Wish) -> tuple[Command, ...]:
    """Return the replication of one backup as commands.

    Raises:
        ValueError: the wish is about a whole vault.
    """
    if wish.backup is None:
        raise ValueError("the wish is about a whole vault")
    return equivalents.replicate_backup(
        source_region=wish.source.project.region.name,
        source_project_id=wish.source.project.project_id,
        order=BackupOrder(
            backup_id=wish.backup.backup_id,
            destination_region=wish.destination.region,
            destination_project_id=wish.destination.project_id,
            destination_vault_id=wish.destination.vault_id,
            name=wish.name,
            description=wish.description,
        ),
    )


def commands_of(check: Check) -> tuple[Command, ...]:
    """Return what was checked as commands."""
    return equivalents.replicate_vault(
        source_region=check.source_region,
        source_project_id=check.source_project_id,
        order=ReplicateOrder(
            vault_id=check.vault_id,
            destination_region=check.destination_region,
            destination_project_id=check.destination_project_id,
            destination_vault_id=check.destination_vault_id,
            auto_trigger=check.auto_trigger,
        ),
    )
