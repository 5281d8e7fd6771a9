"""Searches whole projects for replications that we do not know of: started elsewhere, or forgotten by a restored database.

Once a day, and on demand after a restore. What nobody here asked for is imported as foreign. Where a replication still
waits to be sent although the cloud shows it already, it becomes unclear, and is settled like any other. Nothing is sent.
"""

import logging
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q

from replication.cloud import CloudError
from replication.lifecycle import ACTIVE, FINAL, ReplicationStatus, roll_up
from replication.models import (
    AuditAction,
    CloudReading,
    Evidence,
    Origin,
    Project,
    Replication,
    ReplicationRecord,
    Vault,
)

from . import audit, connection, evidence, logbook, outcome, progress, reconciliation, statistics
from .evidence import CLOCK_SKEW, DATE_ROUNDING, Sighting, SourceReading

logger = logging.getLogger(__name__)

INTERVAL = timedelta(days=1)
_RETRY_AFTER = timedelta(minutes=10)
#: While somebody sweeps an entry, others leave it alone for this long.
_SWEEP_CLAIM = timedelta(minutes=30)
#: How far back logs are read: the cloud keeps them for about as long.
_HISTORY = timedelta(days=30)
#: Refused replications whose vault is looked at in one go.
_AT_ONCE = 50
#: Records of one replication appear together; a longer silence between two means that they are of different ones.
_SAME_RUN = timedelta(minutes=10)
#: Names the keys of foreign replications, so that the same find always has the same one.
_NAMESPACE = uuid.UUID("6a1c7d5e-6f0b-4f0e-9a77-3d1f5b0c2e84")


@dataclass(frozen=True, slots=True)
class Find:
    """What a sweep of one entry did."""

    foreign: int
    suspected: int


def is_held_back(cloud_name: str) -> bool:
    """Return whether safe mode is on and this entry was not swept completely since it began."""
    if settings.SAFE_MODE_SINCE is None:
        return False
    reading = CloudReading.objects.filter(cloud=cloud_name).first()
    return reading is None or statistics.is_held_back(reading)


def sweep_due(now: datetime, clock: Callable[[], datetime], beat: Callable[[], None] = lambda: None) -> int:
    """Sweep every entry that is due and that nobody else sweeps. Returns how many were tried."""
    tried = 0
    for reading in CloudReading.objects.exclude(read_at=None).filter(sweep_after__lte=now):
        claimed = CloudReading.objects.filter(pk=reading.pk, sweep_after=reading.sweep_after).update(
            sweep_after=now + _SWEEP_CLAIM
        )
        if claimed:
            tried += 1
            sweep(reading.cloud, clock, beat)
            beat()
    return tried


def sweep(
    cloud_name: str, clock: Callable[[], datetime], beat: Callable[[], None] = lambda: None
) -> Find | None:
    """Search one entry's project to its end. Returns what was found, or `None` when it could not be read.

    `beat` is called before each vault: it may end it, and then it is due again after a while.
    """
    began = clock()
    try:
        reading = evidence.read_project(connection.cbr(cloud_name), cloud_name, since=began - _HISTORY)
    except CloudError as error:
        logger.warning("%s could not be swept: %s", cloud_name, error)
        CloudReading.objects.filter(cloud=cloud_name).update(
            sweep_error=str(error.message), sweep_after=clock() + _RETRY_AFTER
        )
        return None
    _keep_logs(cloud_name, reading, began)
    found = _take_in(cloud_name, _in_our_time(cloud_name, reading.sightings, clock()), clock, beat)
    CloudReading.objects.filter(cloud=cloud_name).update(
        swept_at=began, sweep_error="", sweep_after=began + INTERVAL
    )
    return found


def _keep_logs(cloud_name: str, reading: SourceReading, began: datetime) -> None:
    """Keep the project's operation logs, and ask for them where the sweep had no need to.

    A log that cannot be read makes no sweep incomplete: the cloud keeps it for another four weeks.
    """
    logs = reading.logs
    if reading.evidence == Evidence.RECORDS:
        try:
            logs = evidence.read_logs(connection.cbr(cloud_name), since=began - _HISTORY)
        except CloudError as error:
            logger.warning("operation log of %s could not be read: %s", cloud_name, error)
    logbook.keep(cloud_name, logs, began)


def look_after_refusals(
    now: datetime, clock: Callable[[], datetime], beat: Callable[[], None] = lambda: None
) -> int:
    """Look once at each vault of which the cloud has said that somebody copies it. Returns how many were looked at.

    It may be a sending of ours that everybody has forgotten, or work that was started elsewhere.
    """
    due = (
        Replication.objects.due(now)
        .filter(status=ReplicationStatus.REJECTED)
        .select_related("source_vault__project")[:_AT_ONCE]
    )
    looked = 0
    for replication in due:
        beat()
        claimed = Replication.objects.filter(pk=replication.pk, check_after=replication.check_after).update(
            check_after=None, version=F("version") + 1
        )
        looked += bool(claimed) and _look_at_vault(replication, clock, beat)
    return looked


def _look_at_vault(replication: Replication, clock: Callable[[], datetime], beat: Callable[[], None]) -> bool:
    cloud_name = replication.source_vault.project.cloud
    began = clock()
    try:
        reading = evidence.read_source(
            connection.cbr(cloud_name), cloud_name, replication.vault_id, since=replication.requested_at
        )
    except CloudError as error:
        # The daily sweep finds it as well, only later.
        logger.warning("vault %s could not be looked at: %s", replication.vault_id, error)
        return False
    logbook.keep(cloud_name, reading.logs, began)
    _take_in(cloud_name, _in_our_time(cloud_name, reading.sightings, clock()), clock, beat)
    return True


def _in_our_time(cloud_name: str, sightings: tuple[Sighting, ...], now: datetime) -> tuple[Sighting, ...]:
    return evidence.in_our_time(sightings, connection.cbr(cloud_name).server_date, now)


def _take_in(
    cloud_name: str, sightings: tuple[Sighting, ...], clock: Callable[[], datetime], beat: Callable[[], None]
) -> Find:
    vaults = {
        vault.vault_id: vault
        for vault in Vault.objects.filter(
            project__cloud=cloud_name, vault_id__in={one.vault_id for one in sightings}
        ).select_related("project__region")
    }
    by_vault: dict[str, list[Sighting]] = defaultdict(list)
    for one in _unknown(sightings):
        by_vault[one.vault_id].append(one)
    foreign = suspected = 0
    for vault_id, unknown in by_vault.items():
        beat()
        if vault := vaults.get(vault_id):
            kept = _Vault(vault, [one for one in sightings if one.vault_id == vault_id], clock())
            for run in _runs(unknown):
                if kept.is_suspect(run):
                    suspected += 1
                elif kept.may_be_foreign(run):
                    foreign += _import(vault, run, clock())
    return Find(foreign, suspected)


def _unknown(sightings: tuple[Sighting, ...]) -> list[Sighting]:
    """Return the sightings that no record of ours stands for."""
    keys = [one.key for one in sightings]
    known: set[str] = set()
    for start in range(0, len(keys), 500):
        some = keys[start : start + 500]
        for column in ("replication_record_id", "operation_log_id"):
            known.update(
                ReplicationRecord.objects.filter(**{f"{column}__in": some}).values_list(column, flat=True)
            )
    return [one for one in sightings if one.key not in known]


def _runs(sightings: list[Sighting]) -> Iterable[list[Sighting]]:
    """Yield what belongs together: the same destination and policy, begun at about the same time."""
    kinds: dict[tuple[str, ...], list[Sighting]] = defaultdict(list)
    for one in sightings:
        if one.created_at and one.backup_id:
            kinds[(*one.destination, one.policy_id)].append(one)
    for alike in kinds.values():
        run: list[Sighting] = []
        for one in sorted(alike, key=_begun):
            if run and _begun(one) - _begun(run[-1]) > _SAME_RUN:
                yield run
                run = []
            run.append(one)
        yield run


def _begun(one: Sighting) -> datetime:
    if one.created_at is None:
        raise ValueError("runs are made of sightings with a time")
    return one.created_at


class _Vault:
    """What we have sent, or are about to send, from one vault."""

    def __init__(self, vault: Vault, seen: list[Sighting], now: datetime) -> None:
        self._seen = seen
        self._now = now
        recent = Q(submitted_at__gte=now - _HISTORY)
        self._ours = list(
            Replication.objects.filter(
                recent | Q(status__in=ACTIVE), source_vault=vault, origin=Origin.DASHBOARD
            ).prefetch_related("records")
        )

    def is_suspect(self, run: list[Sighting]) -> bool:
        """Make what waits to be sent unclear where the cloud shows it already. Returns whether anything was.

        Only what began after it was asked for: what is older is somebody else's, and known before ours is sent. A run
        may hold several single backups' replications, each of which was asked for by itself.
        """
        found = False
        for one in self._ours:
            if one.status != ReplicationStatus.REQUESTED or (found and not one.is_single):
                continue
            shown = [
                seen
                for seen in run
                if seen.may_belong_to(one) and _begun(seen) >= one.requested_at - DATE_ROUNDING
            ]
            if shown and (one.is_single or shown[0] is run[0]):
                keys = {seen.key for seen in shown}
                older = sorted(seen.key for seen in self._seen if seen.key not in keys)
                baseline = {shown[0].evidence.value: older}
                # Also where it could not be moved: it is explained, and looked at again right before it is sent.
                found = True
                reconciliation.suspect_sent(one, _begun(shown[0]), baseline, self._now)
        return found

    def may_be_foreign(self, run: list[Sighting]) -> bool:
        """Return whether none of ours can explain this: an unclear one, or one whose records are not matched yet."""
        return not any(self._explains(one, run) for one in self._ours)

    def _explains(self, replication: Replication, run: list[Sighting]) -> bool:
        if replication.submitted_at is None:
            return False
        # Others' single backups may have been put into one run with ours.
        run = [one for one in run if one.may_belong_to(replication)]
        if not run or _begun(run[-1]) < replication.submitted_at - CLOCK_SKEW:
            return False
        if replication.status in {ReplicationStatus.SUBMITTING, ReplicationStatus.UNCONFIRMED}:
            return True
        column = "replication_record_id" if run[0].evidence == Evidence.RECORDS else "operation_log_id"
        unmatched = {one.backup_id for one in replication.records.all() if not getattr(one, column)}
        return any(one.backup_id in unmatched for one in run)


def _import(vault: Vault, run: list[Sighting], now: datetime) -> int:
    """Write a foreign replication down. Returns 1, or 0 when somebody else has, or its pair is taken by one of ours."""
    begun = _begun(run[0])
    region, project_id, destination_vault_id = run[0].destination
    region = region or _only_destination(vault)
    records = [
        ReplicationRecord(
            backup_id=one.backup_id,
            replication_record_id=one.key if one.evidence == Evidence.RECORDS else "",
            operation_log_id=one.key if one.evidence == Evidence.LOG else "",
            changed_at=now,
        )
        for one in run
    ]
    for record, one in zip(records, run, strict=True):
        progress.advance(record, one, now)
        record.finished_at = record.finished_at and (one.ended_at or now)
    status = roll_up(record.status for record in records)
    is_over = status in FINAL
    finished = max((record.finished_at for record in records if record.finished_at), default=now)
    is_fresh = not is_over or now - finished < settings.REPLICATION_ARRIVAL_WINDOW
    replication = Replication(
        key=uuid.uuid5(_NAMESPACE, " ".join(sorted(one.key for one in run))),
        origin=Origin.FOREIGN,
        status=status,
        source_vault=vault,
        destination=_destination(region, project_id, destination_vault_id),
        source_region=vault.project.region.name,
        source_project_id=vault.project.project_id,
        vault_id=vault.vault_id,
        destination_region=region,
        destination_project_id=project_id,
        destination_vault_id=destination_vault_id,
        auto_trigger=bool(run[0].policy_id),
        requested_at=begun,
        submitted_at=begun,
        finished_at=finished if is_over else None,
        changed_at=now,
        check_after=now if is_fresh else None,
    )
    try:
        with transaction.atomic(durable=True):
            replication.save(force_insert=True)
            outcome.describe_records(replication, records)
            ReplicationRecord.objects.bulk_create(records)
            audit.record(
                AuditAction.FOREIGN,
                now=now,
                replication=replication,
                to_status=status,
                evidence=run[0].evidence.value,
                policy=run[0].policy_id,
                found={one.key: one.backup_id for one in run},
            )
    except IntegrityError:
        # Another sweep was faster, or one of ours occupies vault and region: the next sweep looks again.
        logger.info("what was found of vault %s is not imported yet", vault.vault_id)
        return 0
    return 1


def _only_destination(vault: Vault) -> str:
    """Return where a log must mean that does not tell: the one region that this one replicates to, if it is one."""
    told = vault.project.region.replication_destinations or []
    return str(told[0]) if len(told) == 1 else ""


def _destination(region: str, project_id: str, vault_id: str) -> Vault | None:
    if not vault_id:
        return None
    named = (
        Project.objects.filter(project_id=project_id)
        if project_id
        else Project.objects.filter(region__name=region)
    )
    return Vault.objects.filter(project__in=named, vault_id=vault_id).first()
