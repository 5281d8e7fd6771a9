"""Many vaults to one destination, asked for at once.

Each replication of a batch goes through the rules of a single one. What cannot be replicated is left out with its
reason, and stops nothing else. A batch is written down in one transaction with its replications.
"""

import hashlib
import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from replication.models import AuditAction, Backup, Batch, Replication, ReplicationRecord, Vault
from replication.roles import Right, require

from . import audit, preflight, triggering
from .preflight import Destination, Finding, Forecast, State, Text
from .triggering import Wish

#: Vaults in one batch, at most: what one page can show and one transaction writes in about a second.
MOST_VAULTS = 500


class BatchKeyReused(Exception):
    """The form's key was used for a batch of other vaults, or to somewhere else. Nothing was changed."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        super().__init__(f"key belongs to batch {batch.reference}")


class PlanChanged(Exception):
    """What would happen is no longer what the person has been shown. Nothing was changed."""

    def __init__(self, plan: "Plan") -> None:
        self.plan = plan
        super().__init__("the plan has changed since it was shown")


class NothingToReplicate(Exception):
    """None of the vaults can be replicated now. Nothing was changed."""

    def __init__(self, plan: "Plan") -> None:
        self.plan = plan
        super().__init__("none of the vaults can be replicated")


class TooManyVaults(Exception):
    """More than `MOST_VAULTS`. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One vault of a batch, what would happen to it, and what occupies it already (null: nothing)."""

    vault: Vault
    forecast: Forecast
    in_the_way: Replication | None = None

    @property
    def is_going(self) -> bool:
        """Whether it would be replicated."""
        return not self.in_the_way and not self.forecast.blockers

    @property
    def obstacle(self) -> Finding | None:
        """Why it is left out; null when it is not."""
        if self.in_the_way:
            return _occupied(self.in_the_way)
        return next(iter(self.forecast.blockers), None)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What to know before sending. Room is judged for all vaults together, by the plan."""
        return tuple(one for one in self.forecast.warnings if one.code != _NO_ROOM)

    @property
    def digest(self) -> str:
        """A short text that differs as soon as other backups would be replicated, or something rules it out."""
        told = (
            sorted(one.backup.backup_id for one in self.forecast.to_replicate),
            [finding.code for finding in self.forecast.blockers],
        )
        return hashlib.blake2s(repr(told).encode(), digest_size=4).hexdigest()


_NO_ROOM = "BackupService.6129"


@dataclass(frozen=True)
class Plan:
    """What a batch would do, as far as our inventory can tell."""

    destination: Destination
    candidates: tuple[Candidate, ...]

    @cached_property
    def going(self) -> tuple[Candidate, ...]:
        """The vaults that would be replicated."""
        return tuple(one for one in self.candidates if one.is_going)

    @cached_property
    def left_out(self) -> tuple[Candidate, ...]:
        """The vaults that would not."""
        return tuple(one for one in self.candidates if not one.is_going)

    @cached_property
    def backups(self) -> int:
        """How many backups would be replicated."""
        return sum(len(one.forecast.to_replicate) for one in self.going)

    @cached_property
    def known_gb(self) -> int:
        """GB of the resources behind them, as far as the cloud told: an upper bound of what is copied."""
        return sum(size for size in self._sizes if size is not None)

    @cached_property
    def unknown_sizes(self) -> int:
        """How many of them have a size that the cloud did not tell."""
        return self._sizes.count(None)

    @cached_property
    def _sizes(self) -> list[int | None]:
        return [
            verdict.backup.resource_size_gb for one in self.going for verdict in one.forecast.to_replicate
        ]

    @cached_property
    def room(self) -> Finding | None:
        """Whether all of them together may be too much for the destination; null when they fit, or nobody knows."""
        vault = self.destination.vault
        if vault is None or vault.free_mb is None or vault.auto_expand:
            return None
        if self.known_gb * 1024 <= vault.free_mb:
            return None
        return Finding(
            gettext_lazy(
                "The destination vault has %(free)d GB left; the servers behind all these backups have %(total)d GB of "
                "disks together. They may not fit: what finds no room fails, or is refused."
            )
            % {"free": vault.free_mb // 1024, "total": self.known_gb},
            code=_NO_ROOM,
        )

    def has_changed(self, seen: Mapping[uuid.UUID, str]) -> bool:
        """Return whether anything else would be sent than was seen. What became active meanwhile is no change."""
        return any(
            not one.in_the_way and one.vault.pk in seen and one.digest != seen[one.vault.pk]
            for one in self.candidates
        )


@dataclass(frozen=True, slots=True)
class BatchWish:
    """What a person wants: which vaults, to where, why."""

    sources: tuple[Vault, ...]
    destination: Destination
    reason: str
    auto_trigger: bool = False
    #: Vaults that were chosen, and that the person has seen to be left out. They are kept with the batch.
    omitted: tuple[Vault, ...] = ()
    #: `Candidate.digest` of what the person was shown, by the vault's id; empty for whoever was shown nothing.
    seen: Mapping[uuid.UUID, str] = field(default_factory=dict)


def make_plan(vaults: Collection[Vault], destination: Destination) -> Plan:
    """Say what a batch would do. Three queries, however many vaults; one more for typed ids. Needs of each its project and region."""
    backups: defaultdict[uuid.UUID, list[Backup]] = defaultdict(list)
    by_id = {vault.pk: vault for vault in vaults}
    for backup in Backup.objects.present().filter(vault__in=by_id).order_by("-created_at", "backup_id"):
        backup.vault = by_id[backup.vault_id]
        backups[backup.vault_id].append(backup)
    records = _records(by_id, destination.region)
    under_way: defaultdict[uuid.UUID, list[Replication]] = defaultdict(list)
    for one in Replication.objects.active().with_names().filter(source_vault__in=by_id):
        under_way[one.source_vault_id].append(one)
    project = destination.vault.project if destination.vault else triggering.project_of(destination)
    candidates = []
    for vault in vaults:
        active = under_way[vault.pk]
        known = preflight.Known.of(records[vault.pk], under_way=active, project=project)
        seen = preflight.forecast(vault, destination, backups[vault.pk], known)
        in_the_way = next((one for one in active if one.destination_region == destination.region), None)
        candidates.append(Candidate(vault, seen, in_the_way))
    return Plan(destination, tuple(candidates))


def _records(vaults: Iterable[uuid.UUID], region: str) -> dict[uuid.UUID, dict[str, str]]:
    """Return by vault the status of each backup that our own history knows to be in the region, or on its way."""
    found: defaultdict[uuid.UUID, dict[str, str]] = defaultdict(dict)
    records = ReplicationRecord.objects.promising().filter(
        replication__source_vault__in=vaults, replication__destination_region=region
    )
    for vault, backup_id, status in records.values_list("replication__source_vault", "backup_id", "status"):
        found[vault][backup_id] = status
    return found


def _occupied(replication: Replication) -> Finding:
    if replication.is_foreign:
        text: Text = gettext_lazy(
            "It is being replicated to %(region)s already: started elsewhere, followed here as replication %(reference)s."
        )
    else:
        text = gettext_lazy(
            "It is being replicated to %(region)s already: replication %(reference)s, requested by %(person)s."
        )
    return Finding(
        text
        % {
            "region": replication.destination_region,
            "reference": replication.reference,
            "person": replication.requester,
        },
        code="BackupService.6130",
        state=State.BLOCKER,
    )


def request_batch(
    *, actor: User, wish: BatchWish, key: uuid.UUID, now: datetime, request_id: str = ""
) -> tuple[Batch, bool]:
    """Write down that these vaults are to be replicated: one batch, and a replication for each that can be.

    Returns the batch and whether this call made it: the same key again returns the same batch. A vault that cannot be
    replicated, or became active meanwhile, is left out and told with the batch.

    Raises:
        NotPermitted: the actor may not trigger.
        TooManyVaults: there are more vaults than one batch takes.
        PlanChanged: the person was shown something else.
        NothingToReplicate: no vault can be replicated now.
        BatchKeyReused: the key belongs to a batch with other parameters.
    """
    require(actor, Right.TRIGGER)
    if existing := Batch.objects.filter(key=key).first():
        return _same_wish(existing, wish), False
    if len(wish.sources) + len(wish.omitted) > MOST_VAULTS:
        raise TooManyVaults
    plan = make_plan((*wish.sources, *wish.omitted), wish.destination)
    if plan.has_changed(wish.seen):
        raise PlanChanged(plan)
    try:
        return _write_down(actor, wish, plan, key, now, request_id), True
    except IntegrityError:
        # Somebody was faster with the same key: the constraint has decided, we only say which it was.
        if existing := Batch.objects.filter(key=key).first():
            return _same_wish(existing, wish), False
        raise


def _write_down(
    actor: User, wish: BatchWish, plan: Plan, key: uuid.UUID, now: datetime, request_id: str
) -> Batch:
    wanted = {vault.pk for vault in wish.sources}
    left_out = {one.vault.pk: _told(one) for one in plan.candidates if one.vault.pk not in wanted}
    with transaction.atomic(durable=True):
        batch = Batch.objects.create(key=key, actor=actor, reason=wish.reason, created_at=now)
        made: list[Candidate] = []
        # In one order everywhere, so that two batches of the same vaults wait for each other and not in a circle.
        for one in sorted(plan.candidates, key=lambda candidate: candidate.vault.pk):
            if one.vault.pk not in wanted:
                continue
            obstacle = one.obstacle or _request(actor, wish, one, batch, now, request_id)
            if obstacle:
                left_out[one.vault.pk] = _told(one, obstacle)
            else:
                made.append(one)
        if not made:
            raise NothingToReplicate(plan)
        batch.left_out = [left_out[one.vault.pk] for one in plan.candidates if one.vault.pk in left_out]
        batch.save(update_fields=["left_out"])
        audit.record(
            AuditAction.BATCH_REQUESTED,
            now=now,
            actor=actor,
            request_id=request_id,
            batch=str(batch.pk),
            reason=wish.reason,
            replications=len(made),
            left_out=[told["name"] for told in batch.left_out],
            expected_backups=sum(len(one.forecast.to_replicate) for one in made),
            destination_region=wish.destination.region,
            destination_project_id=wish.destination.project_id,
            destination_vault_id=wish.destination.vault_id,
        )
    return batch


def _request(
    actor: User, wish: BatchWish, one: Candidate, batch: Batch, now: datetime, request_id: str
) -> Finding | None:
    """Write down one replication of a batch. Returns why not, where somebody was faster since the plan was made."""
    single = Wish(one.vault, wish.destination, wish.reason, auto_trigger=wish.auto_trigger)
    try:
        triggering.write_down(
            actor,
            single,
            one.forecast,
            uuid.uuid5(batch.key, str(one.vault.pk)),
            now,
            request_id,
            batch=batch,
        )
    except triggering.AlreadyActive as refused:
        return _occupied(refused.replication)
    except IntegrityError:
        active = triggering.in_the_way(single)
        if active is None:
            raise
        return _occupied(active)
    return None


def _told(one: Candidate, obstacle: Finding | None = None) -> dict[str, str]:
    """Return what is kept of a vault that was left out; the reason in the language of whoever confirmed."""
    why = obstacle or one.obstacle
    return {
        "vault": str(one.vault.pk),
        "name": one.vault.name,
        "project": str(one.vault.project),
        "reason": str(why.text) if why else _("It could not be replicated when the batch was confirmed."),
        "code": why.code if why else "",
    }


def _same_wish(existing: Batch, wish: BatchWish) -> Batch:
    replications = list(existing.replications.all())
    known = {str(one.source_vault_id) for one in replications}
    known |= {told["vault"] for told in existing.left_out}
    destination = (
        wish.destination.region,
        wish.destination.project_id,
        wish.destination.vault_id,
    )
    is_elsewhere = any(
        (one.destination_region, one.destination_project_id, one.destination_vault_id) != destination
        for one in replications
    )
    if is_elsewhere or known != {str(vault.pk) for vault in (*wish.sources, *wish.omitted)}:
        raise BatchKeyReused(existing)
    return existing


def count_by_status(batches: Iterable[Batch]) -> dict[uuid.UUID, Counter[str]]:
    """Return for each batch how many of its replications have which status. One query."""
    counts: dict[uuid.UUID, Counter[str]] = {batch.pk: Counter() for batch in batches}
    found: Iterable[Any] = (
        Replication.objects.filter(batch__in=counts)
        .order_by()
        .values_list("batch", "status")
        .annotate(Count("pk"))
    )
    for batch, status, number in found:
        counts[batch][status] = number
    return counts
