"""One round of the worker over everything that is due: the certainty behind the nudges of the queue.

Each part goes on where a dead worker stopped, because it asks the rows and nothing else.
"""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import DataError, IntegrityError

from replication.lifecycle import ReplicationStatus
from replication.models import Replication

from . import (
    connection,
    inventory,
    policy_sending,
    progress,
    reconciliation,
    spool,
    submission,
    sweeping,
    throttle,
)

logger = logging.getLogger(__name__)
#: Replications that a round sends at most, and seconds after which it begins no further one, so that neither a long queue
#: nor a slow cloud keeps the other parts waiting.
AT_ONCE = 50
_SENDING_SECONDS = 5.0
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Round:
    """How much a round found to do."""

    released: int
    submitted: int
    settled: int
    followed: int
    refreshed: int
    swept: int
    #: Changes of policies that were taken up.
    policy_changes: int


def make_round(*, worker_id: str, clock: Clock, beat: Callable[[], None] = lambda: None) -> Round:
    """Do what is due once. `beat` is called between all that is done: it is a sign of life, and may end the round."""
    # Before anything is given up for lost: its answer may lie on this disk.
    spool.bring_in(clock)
    released = reconciliation.release_dead_claims(clock())
    submitted = _submit_due(worker_id, clock, beat)
    beat()
    settled = reconciliation.settle_due(clock(), clock, beat)
    beat()
    policy_changes = policy_sending.make_round(worker_id=worker_id, clock=clock, beat=beat)
    beat()
    followed = progress.check_due(clock(), clock, beat)
    beat()
    refreshed = inventory.refresh_due(clock(), clock, beat)
    sweeping.look_after_refusals(clock(), clock, beat)
    swept = sweeping.sweep_due(clock(), clock, beat)
    return Round(released, submitted, settled, followed, refreshed, swept, policy_changes)


def sweep_all(*, clock: Clock) -> dict[str, sweeping.Find | None]:
    """Read the whole cloud now: every entry's inventory, then every project's replications; then settle what is unclear.

    Returns what was found, by entry; `None` for an entry that could not be read.
    """
    spool.bring_in(clock)
    reconciliation.release_dead_claims(clock())
    found: dict[str, sweeping.Find | None] = {}
    for name in connection.cloud_names():
        found[name] = sweeping.sweep(name, clock) if inventory.refresh(name, clock) else None
    reconciliation.settle_due(clock(), clock)
    return found


def _sendable(now: datetime) -> list[UUID]:
    """Return what is due and has room in its region, the longest waiting first. A full region keeps no other waiting."""
    room = throttle.Room()
    due = (
        Replication.objects.due(now)
        .filter(status=ReplicationStatus.REQUESTED)
        .exclude(destination_region__in=room.full)
        .values_list("pk", "destination_region")[:AT_ONCE]
    )
    return [replication_id for replication_id, region in due if room.take(region)]


def _submit_due(worker_id: str, clock: Clock, beat: Callable[[], None]) -> int:
    """Send what is due, also where its nudge was lost. Returns how many were tried."""
    give_up_at = time.monotonic() + _SENDING_SECONDS
    tried = 0
    due = _sendable(clock())
    # Workers that begin at different ends seldom meet.
    random.shuffle(due)
    for replication_id in due:
        if tried and time.monotonic() >= give_up_at:
            break
        beat()
        tried += 1
        try:
            submission.submit(replication_id, worker_id=worker_id, clock=clock)
        except (DataError, IntegrityError):
            # What it may have sent is settled when its claim runs out; the others must not wait for it.
            logger.exception("replication %s cannot be stored", replication_id)
    return tried
