"""Sends the one POST of a replication, and writes down what is known of its outcome.

Order matters more than anything else here: the baseline is read, the row is claimed and committed, the claim is
checked again, then one request leaves, then its outcome is committed. Whoever dies in between leaves a row that says
how far it came. No transaction is open while the cloud is spoken to, and nothing is ever sent twice by itself.
"""

import logging
import os
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from uuid import UUID

from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db import connection as database
from django.db.models import F
from django.utils import timezone
from django_tasks import task

from replication.cloud import (
    CONNECT_SECONDS,
    REPLICATE_DEADLINE_SECONDS,
    AcceptedReplication,
    CbrClient,
    CloudError,
    Misconfigured,
)
from replication.lifecycle import ReplicationStatus
from replication.models import Attempt, AuditAction, Evidence, Replication
from replication.roles import Right, can

from . import (
    audit,
    connection,
    evidence,
    outcome,
    progress,
    reconciliation,
    spool,
    sweeping,
    throttle,
    turns,
)
from .outcome import Delivery

logger = logging.getLogger(__name__)
Clock = Callable[[], datetime]

#: The longest that a POST can take, name lookup and connecting included.
_LONGEST_SEND = timedelta(seconds=REPLICATE_DEADLINE_SECONDS + CONNECT_SECONDS)
_MARGIN = timedelta(seconds=25)
#: A claim outlives the longest send, so that nobody else acts while an answer may still come.
CLAIM = _LONGEST_SEND + 2 * _MARGIN
#: Attempts that were provably not delivered before it is given up.
ATTEMPTS = 10
#: How long an outcome is held on to while the database cannot take it.
_STORE_FOR = timedelta(seconds=60)


class ClaimLost(Exception):
    """The claim does not last for a whole send any more, or somebody else holds the row. Nothing was sent."""


@cache
def worker_identity() -> str:
    """Return a name for this process that no other process, before or after, has."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


@task()
def submit_task(replication_id: str) -> None:
    """Send a replication soon. Only a nudge: the row decides whether there is anything to send.

    While its region is full, a round does it later.
    """
    if throttle.is_held(replication_id):
        return
    submit(replication_id, worker_id=worker_identity(), clock=timezone.now)


def submit(replication_id: UUID | str, *, worker_id: str, clock: Clock) -> None:
    """Send one requested replication that is due, unless somebody else does, it must wait, or it must not be sent any more."""
    now = clock()
    replication = (
        Replication.objects.due(now)
        .filter(pk=replication_id, status=ReplicationStatus.REQUESTED)
        .select_related("actor", "source_vault__project")
        .first()
    )
    if replication is None or sweeping.is_held_back(replication.source_vault.project.cloud):
        return
    if replication.attempt >= ATTEMPTS:
        outcome.give_up(replication, now)
        return
    if replication.actor is None or not can(replication.actor, Right.TRIGGER):
        outcome.withdraw_for_lost_right(replication, now)
        return
    if replication.is_single and turns.wait(replication, now):
        return
    try:
        client, baseline = _prepare(replication, clock)
        claim = _claim(replication, baseline, worker_id, clock)
    except CloudError as error:
        outcome.postpone(replication, error, clock())
    except turns.ReplicatedMeanwhile as found:
        outcome.withdraw_as_needless(replication, found.by, clock())
    except turns.SeenAlready as found:
        reconciliation.suspect_sent(replication, found.begun_at, found.baseline, clock())
    except IntegrityError:
        # Another one of its vault and region was claimed since we looked: the constraint has decided.
        if not turns.wait(replication, clock()):
            raise
    else:
        if claim is not None:
            claim.send(client)


def _prepare(replication: Replication, clock: Clock = timezone.now) -> tuple[CbrClient, dict[str, list[str]]]:
    """Sign in and read what is known of both vaults right before sending. A list call each.

    Raises:
        CloudError: the source could not be read. The destination may be out of our reach.
        ReplicatedMeanwhile, SeenAlready: a single backup's replication is not needed any more, or not to be sent.
    """
    cloud = replication.source_vault.project.cloud
    if not cloud:
        raise Misconfigured(
            "No entry of REPLICATION_CLOUDS is signed in to the source project any more. Add it again.",
            region=replication.source_region,
        )
    client = connection.cbr(cloud)
    if client.project_id != replication.source_project_id:
        raise Misconfigured(
            f"The cloud entry {cloud} now belongs to another project than the one this replication was made for.",
            region=replication.source_region,
        )
    # A day further back than any later look, so that what is not in here is certainly new.
    since = replication.requested_at - evidence.LOG_MARGIN
    reading = evidence.read_source(client, cloud, replication.vault_id, since=since)
    if replication.is_single:
        turns.look_once_more(replication, reading, client.server_date, clock())
    baseline = {reading.evidence.value: reading.keys()}
    replicas = progress.read_destination(replication)
    if replicas is not None:
        baseline[Evidence.REPLICA.value] = sorted(one.id for one in replicas)
    return client, baseline


def _claim(
    replication: Replication, baseline: dict[str, list[str]], worker_id: str, clock: Clock
) -> "_Claim | None":
    # Taken before the row is, so that the time of the commit is not forgotten.
    held_since = time.monotonic()
    now = clock()
    with transaction.atomic(durable=True):
        row = Replication.objects.filter(pk=replication.pk, attempt=replication.attempt)
        moved = row.filter(throttle.has_room(replication.destination_region)).move(
            ReplicationStatus.REQUESTED,
            ReplicationStatus.SUBMITTING,
            now=now,
            submitted_at=now,
            attempt=F("attempt") + 1,
            claimed_by=worker_id,
            claimed_until=now + CLAIM,
            check_after=now + CLAIM,
            baseline=baseline,
            error_code="",
            error_message="",
        )
        if not moved:
            return None
        Attempt.objects.create(
            replication=replication, number=replication.attempt + 1, worker=worker_id, begun_at=now
        )
        audit.record(
            AuditAction.SUBMITTING,
            now=now,
            replication=replication,
            from_status=ReplicationStatus.REQUESTED,
            to_status=ReplicationStatus.SUBMITTING,
            attempt=replication.attempt + 1,
            worker=worker_id,
        )
    return _Claim(
        Delivery(replication, worker_id, replication.attempt + 1),
        clock,
        until=now + CLAIM,
        held_since=held_since,
    )


@dataclass(frozen=True, slots=True)
class _Claim:
    """The right to send one replication once, until a moment."""

    delivery: Delivery
    clock: Clock
    until: datetime
    held_since: float

    def send(self, client: CbrClient) -> None:
        """Send the one POST and write down its outcome."""
        replication = self.delivery.replication
        logger.info(
            "attempt.begin replication=%s vault=%s backup=%s",
            replication.id,
            replication.vault_id,
            replication.backup_id or "all",
        )
        result: AcceptedReplication | CloudError
        try:
            result = self.delivery.send(client, before_connecting=self._demand)
        except ClaimLost:
            logger.warning("attempt.end replication=%s outcome=claim_lost", replication.id)
            outcome.record_not_sent(self.delivery, self.clock())
            return
        except CloudError as error:
            logger.warning("attempt.end replication=%s outcome=%s", replication.id, type(error).__name__)
            result = error
        else:
            logger.info("attempt.end replication=%s outcome=accepted", replication.id)
        self._store(result)

    def _demand(self) -> None:
        """Make sure that there is time for a whole send before anybody may think that we are dead.

        By two clocks: while a process was frozen, the wall clock may have been set back.

        Raises:
            ClaimLost: there is not, or the row is not ours any more.
        """
        left = CLAIM - timedelta(seconds=time.monotonic() - self.held_since)
        if left < _LONGEST_SEND + _MARGIN or self.clock() > self.until - _LONGEST_SEND - _MARGIN:
            raise ClaimLost
        mine = Replication.objects.filter(
            pk=self.delivery.replication.pk,
            status=ReplicationStatus.SUBMITTING,
            claimed_by=self.delivery.worker_id,
            attempt=self.delivery.number,
        )
        if not mine.exists():
            raise ClaimLost

    def _store(self, result: AcceptedReplication | CloudError) -> None:
        """Write down the outcome; while the database is away, keep it in a file and go on trying for a while."""
        give_up_at = time.monotonic() + _STORE_FOR.total_seconds()
        kept: Path | None = None
        while True:
            try:
                outcome.record(self.delivery, result, self.clock())
            except (OperationalError, InterfaceError):
                logger.exception("The outcome cannot be stored yet")
                kept = kept or self._keep(result)
                if time.monotonic() > give_up_at:
                    raise
                database.close()
                time.sleep(1)
            else:
                if kept:
                    spool.forget(kept)
                return

    def _keep(self, result: AcceptedReplication | CloudError) -> Path | None:
        try:
            return spool.keep(self.delivery, result)
        except OSError:
            # Neither the database nor the disk takes it: the replication becomes unclear, and is looked for.
            logger.exception("The outcome cannot be kept in %s either", self.delivery)
            return None
