"""Settles replications whose outcome is not known, by looking at the cloud and never by sending again.

A claim that ran out becomes unconfirmed. An unconfirmed replication is looked for in growing distances: what the
cloud shows of it is taken over, and what it does not show is written down as evidence for a person to decide on.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F

from replication.cloud import Backup as Replica
from replication.cloud import CloudError, Misconfigured
from replication.lifecycle import ReplicationStatus
from replication.models import (
    Attempt,
    AttemptOutcome,
    AuditAction,
    Backup,
    Evidence,
    Look,
    Replication,
    ReplicationRecord,
    Vault,
)

from . import audit, connection, evidence, outcome, preflight, progress
from .evidence import Sighting

logger = logging.getLogger(__name__)

#: Distances of the looks from the moment of sending; hourly afterwards.
_LOOKS_AT = tuple(
    timedelta(seconds=seconds) for seconds in (15, 60, 3 * 60, 10 * 60, 30 * 60)
)  # reliability of a "nothing there" grows with time, its cost with the number of looks
_LATER = timedelta(hours=1)
#: Replications that are looked for in one go, so that many of them do not keep others waiting.
_AT_ONCE = 50
#: While one worker looks, others leave it alone for this long.
_LOOK_CLAIM = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _Findings:
    """What one look showed."""

    complete: bool
    #: What can only be this replication's, or what a person allowed to take over.
    adoptable: tuple["Candidate", ...]
    #: Everything that may be this replication's.
    found: int
    sources: list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A backup whose copying may be this replication's, and where that was seen."""

    evidence: Evidence
    backup_id: str
    #: Id of the replication record or of the operation log; empty where only a replica was seen.
    key: str = ""

    @property
    def columns(self) -> tuple[str, str, str]:
        """Backup id, record id and operation log id, as records are made from them."""
        return (
            self.backup_id,
            self.key if self.evidence == Evidence.RECORDS else "",
            self.key if self.evidence == Evidence.LOG else "",
        )


def release_dead_claims(now: datetime) -> int:
    """Turn every claim that ran out into an unconfirmed replication. Returns how many.

    The worker may have died before, during or after sending: nobody knows, so nobody may send again.
    """
    released = 0
    dead = Replication.objects.filter(status=ReplicationStatus.SUBMITTING, claimed_until__lt=now)
    for replication in dead:
        with transaction.atomic(durable=True):
            moved = Replication.objects.filter(
                pk=replication.pk, claimed_until=replication.claimed_until
            ).move(
                ReplicationStatus.SUBMITTING,
                ReplicationStatus.UNCONFIRMED,
                now=now,
                check_after=now,
                claimed_until=None,
                error_code="worker_lost",
                error_message="The worker that was sending it stopped before it could write down an outcome.",
            )
            if moved:
                released += 1
                outcome.abandon_attempt(replication, now)
                audit.record(
                    AuditAction.UNCONFIRMED,
                    now=now,
                    replication=replication,
                    from_status=ReplicationStatus.SUBMITTING,
                    to_status=ReplicationStatus.UNCONFIRMED,
                    code="worker_lost",
                    worker=replication.claimed_by,
                )
    return released


def settle_due(now: datetime, clock: Callable[[], datetime], beat: Callable[[], None] = lambda: None) -> int:
    """Look for the unconfirmed replications that are due, the longest waiting first. Returns how many were looked for.

    `beat` is called before each: it may end it.
    """
    looked = 0
    due = (
        Replication.objects.due(now)
        .filter(status=ReplicationStatus.UNCONFIRMED)
        .select_related("source_vault__project")[:_AT_ONCE]
    )
    for replication in due:
        beat()
        claimed = Replication.objects.filter(pk=replication.pk, check_after=replication.check_after).update(
            check_after=now + _LOOK_CLAIM
        )
        if claimed:
            looked += 1
            settle(replication, clock)
    return looked


def settle(replication: Replication, clock: Callable[[], datetime]) -> None:
    """Look once for an unconfirmed replication; take over what is surely its own, else keep the evidence."""
    findings = _look(replication)
    now = clock()
    if findings.adoptable:
        try:
            _adopt(replication, findings, now)
        except IntegrityError:
            # Somebody else took one of these over between our look and our write: look again.
            logger.info("%s: a candidate was taken over meanwhile", replication.reference)
        else:
            return
    with transaction.atomic(durable=True):
        _keep_look(replication, findings, now)
        Replication.objects.filter(pk=replication.pk, status=ReplicationStatus.UNCONFIRMED).update(
            check_after=_next_look(replication, now), version=F("version") + 1
        )


def _next_look(replication: Replication, now: datetime) -> datetime:
    """Return when to look again: at the next of the fixed distances, right after the settle window, then hourly."""
    sent = replication.submitted_at or replication.requested_at
    window_over = settings.REPLICATION_SETTLE_WINDOW + timedelta(seconds=1)
    upcoming = [sent + distance for distance in sorted({*_LOOKS_AT, window_over})]
    return next((moment for moment in upcoming if moment > now), now + _LATER)


def _look(replication: Replication) -> _Findings:
    """Read every source that can be read, and say what in them may be this replication."""
    sources: list[dict[str, object]] = []
    sightings: tuple[Sighting, ...] = ()
    complete = True
    try:
        sightings = _source_candidates(replication)
        kind = sightings[0].evidence.value if sightings else "source"
        sources.append({"source": kind, "read": True, "found": len(sightings)})
    except CloudError as error:
        complete = False
        sources.append({"source": "source", "read": False, "error": str(error.message)})
    replicas = _new_replicas(replication, sources)
    adoptable: tuple[Candidate, ...] = ()
    if sightings and _is_unambiguous(replication, sightings):
        adoptable = tuple(Candidate(one.evidence, one.backup_id, one.key) for one in sightings)
    elif complete and not sightings and replicas:
        adoptable = _behind_replicas(replication, replicas)
    return _Findings(complete, adoptable, len(sightings) or len(replicas), sources)


def _source_candidates(replication: Replication) -> tuple[Sighting, ...]:
    """Return what the source shows that appeared since the sending and that no other replication owns."""
    name = replication.source_vault.project.cloud
    if not name:
        raise Misconfigured(
            "No entry of REPLICATION_CLOUDS is signed in to the source project any more. Add it again.",
            region=replication.source_region,
        )
    reading = evidence.read_source(
        connection.cbr(name),
        name,
        replication.vault_id,
        since=replication.submitted_at or replication.requested_at,
    )
    fitting = [
        one for one in reading.sightings if one.may_belong_to(replication) and one.is_newer_than(replication)
    ]
    column = "replication_record_id" if reading.evidence == Evidence.RECORDS else "operation_log_id"
    owned = set(
        ReplicationRecord.objects.filter(**{f"{column}__in": [one.key for one in fitting]}).values_list(
            column, flat=True
        )
    )
    return tuple(one for one in fitting if one.key not in owned and one.backup_id)


def _is_unambiguous(replication: Replication, candidates: tuple[Sighting, ...]) -> bool:
    """Return whether the candidates can only be this replication's.

    A log need not tell where it copies to. Where another replication of the same vault, to another region, may have
    been sent in the same window, only a person can tell.
    """
    if replication.adoption_allowed or all(one.destination_region for one in candidates):
        return True
    others = (
        Replication.objects.filter(
            source_vault_id=replication.source_vault_id,
            submitted_at__gte=(replication.submitted_at or replication.requested_at) - evidence.CLOCK_SKEW,
        )
        .exclude(pk=replication.pk)
        .exclude(status=ReplicationStatus.REJECTED)
    )
    if replication.is_single:
        # What the log shows of this backup can be none of another backup's.
        others = others.filter(backup_id__in=["", replication.backup_id])
    return not others.exists()


def _new_replicas(replication: Replication, sources: list[dict[str, object]]) -> tuple[Replica, ...]:
    """Return the replicas in the destination vault that appeared since the sending and that may be this replication's.

    Not those that others own, and not those of servers that lie in other vaults: many vaults share a destination.
    """
    if not progress.destination_cloud(replication):
        sources.append({"source": Evidence.REPLICA.value, "read": False, "error": "no credentials"})
        return ()
    replicas = progress.read_destination(replication)
    if replicas is None:
        sources.append({"source": Evidence.REPLICA.value, "read": False, "error": "not answered"})
        return ()
    new = evidence.new_replicas(replication, replicas)
    owned = set(
        ReplicationRecord.objects.filter(destination_backup_id__in=[one.id for one in new]).values_list(
            "destination_backup_id", flat=True
        )
    )
    elsewhere = _servers_of_other_vaults(replication, {one.resource_id for one in new})
    free = tuple(one for one in new if one.id not in owned and one.resource_id not in elsewhere)
    sources.append({"source": Evidence.REPLICA.value, "read": True, "found": len(free)})
    return free


def _servers_of_other_vaults(replication: Replication, resource_ids: set[str]) -> set[str]:
    """Return which of these servers have backups in other source vaults, but none in this replication's."""
    known = Backup.objects.filter(resource_id__in=resource_ids - {""})
    sources = known.exclude(vault__protect_type=Vault.REPLICATION)
    own = set(sources.filter(vault_id=replication.source_vault_id).values_list("resource_id", flat=True))
    return set(sources.values_list("resource_id", flat=True)) - own


def _behind_replicas(replication: Replication, replicas: tuple[Replica, ...]) -> tuple[Candidate, ...]:
    """Return the backups that a mute source must be copying, since replicas of its servers appear.

    A server lies in one vault only, so its new replicas come from this vault. The replicas arrive one by one, while the
    request was about all backups: so all that the forecast promised are taken over, and each is followed until its own
    replica is there. A replica that another replication of the pair still waits for proves nothing; nor does one that is
    not called what a single backup's replica was to be called.
    """
    promised = replication.forecast.get(preflight.Verdict.REPLICATE.value, [])
    backups = Backup.objects.filter(vault_id=replication.source_vault_id, backup_id__in=promised)
    servers = {backup.resource_id: backup for backup in backups if backup.resource_id}
    awaited = (
        ReplicationRecord.objects.awaiting_arrival()
        .filter(
            replication__source_vault_id=replication.source_vault_id,
            replication__destination_region=replication.destination_region,
        )
        .exclude(replication=replication)
    )
    fitting = [
        one for one in replicas if one.resource_id in servers and replication.replica_name in {"", one.name}
    ]
    if not fitting or awaited.exists():
        return ()
    return tuple(Candidate(Evidence.REPLICA, backup_id) for backup_id in sorted(promised))


def _adopt(replication: Replication, findings: _Findings, now: datetime) -> None:
    """Take the candidates over as this replication's records."""
    with transaction.atomic(durable=True):
        _keep_look(replication, findings, now)
        moved = Replication.objects.filter(pk=replication.pk).move(
            ReplicationStatus.UNCONFIRMED,
            ReplicationStatus.RUNNING,
            now=now,
            check_after=now,
            error_code="",
            error_message="",
        )
        if moved:
            adopt_records(replication, findings.adoptable, now)


def adopt_records(replication: Replication, found: tuple[Candidate, ...], now: datetime) -> None:
    """Insert a record for each candidate and tell the audit; within the caller's transaction."""
    outcome.create_records(replication, [one.columns for one in found], now)
    audit.record(
        AuditAction.ADOPTED,
        now=now,
        replication=replication,
        from_status=ReplicationStatus.UNCONFIRMED,
        to_status=ReplicationStatus.RUNNING,
        evidence=found[0].evidence.value,
        found={one.backup_id: one.key for one in found},
    )


def suspect_sent(
    replication: Replication, seen_at: datetime, baseline: dict[str, list[str]], now: datetime
) -> bool:
    """Make a replication unclear that waits to be sent, because the cloud shows it, begun at `seen_at`, already.

    That happens after a database was restored that had forgotten the sending, or when somebody was faster in the
    cloud's console. Sending it now would double it. `baseline` holds what else the cloud shows of the vault, which is not
    this replication. Returns whether it still waited, and for nothing else.
    """
    try:
        return _make_suspect(replication, seen_at, baseline, now)
    except IntegrityError:
        # Another one of its vault and region is under way. What waits for that is looked for again before it is sent.
        logger.info("%s waits, and is seen in the cloud already", replication.reference)
        return False


def _make_suspect(
    replication: Replication, seen_at: datetime, baseline: dict[str, list[str]], now: datetime
) -> bool:
    row = Replication.objects.filter(pk=replication.pk, attempt=replication.attempt)
    number = replication.attempt + 1
    with transaction.atomic(durable=True):
        if not row.move(
            ReplicationStatus.REQUESTED,
            ReplicationStatus.SUBMITTING,
            now=now,
            submitted_at=seen_at,
            attempt=number,
            claimed_by="",
            baseline=baseline,
        ):
            return False
        Replication.objects.filter(pk=replication.pk).move(
            ReplicationStatus.SUBMITTING,
            ReplicationStatus.UNCONFIRMED,
            now=now,
            check_after=now,
            error_code="seen_before_sending",
            error_message="The cloud shows a replication of this vault to this region that began after it was asked for.",
        )
        Attempt.objects.create(
            replication=replication,
            number=number,
            worker="",
            begun_at=seen_at,
            ended_at=now,
            outcome=AttemptOutcome.ABANDONED,
        )
        for action, before, after in (
            (AuditAction.SUBMITTING, ReplicationStatus.REQUESTED, ReplicationStatus.SUBMITTING),
            (AuditAction.UNCONFIRMED, ReplicationStatus.SUBMITTING, ReplicationStatus.UNCONFIRMED),
        ):
            audit.record(
                action,
                now=now,
                replication=replication,
                from_status=before,
                to_status=after,
                code="seen_before_sending",
            )
    return True


def _keep_look(replication: Replication, findings: _Findings, now: datetime) -> None:
    Look.objects.create(
        replication=replication,
        at=now,
        complete=findings.complete,
        found=findings.found,
        sources=findings.sources,
    )
