"""What will ever remove a replica: pure rules over who started its replication.

A policy's retention removes the replicas that the policy made. Manual replicas it leaves alone (user manual, on
replicating a vault): somebody has to delete them, or they are paid for until then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from replication.models import Evidence, Origin

from .sides import Keeping, Pair

#: What our own history says beside the sources of the cloud.
HISTORY = "history"


class Told(NamedTuple):
    """Who started a replication as one source has it: a policy or a person (null: it does not tell), and when it was read."""

    is_automatic: bool | None
    source: str
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Start:
    """Who started the replication of one backup, as our history has it."""

    origin: str
    #: As sent by us, or set because the log named a policy.
    auto_trigger: bool
    #: Whether the log of it was read, which names the policy if there was one.
    has_log: bool
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Starts:
    """Everything that tells who started a replication."""

    #: Our history, by replica and by source backup.
    by_replica: Mapping[str, Start]
    by_source: Mapping[str, Start]
    #: What the cloud told of a replica, by replica.
    told: Mapping[str, Told]
    #: What the operation log has of a source backup.
    logged: Mapping[str, Told]


def judge(pair: Pair, starts: Starts) -> Pair:
    """Return the pair with what will remove its replica, and where and when that was read."""
    if pair.replica is None:
        return pair
    if pair.replica.expired_at is not None:
        return replace(pair, keeping=Keeping.EXPIRES, keeping_from=Evidence.REPLICA.value)
    told = _who_started(pair.replica.backup_id, pair.source_id, starts)
    return replace(
        pair,
        keeping=_KEEPING[told.is_automatic],
        keeping_from=told.source,
        keeping_read_at=told.read_at,
    )


_KEEPING = {True: Keeping.POLICY, False: Keeping.MANUAL, None: Keeping.UNKNOWN}


def _who_started(replica_id: str, source_id: str, starts: Starts) -> Told:
    start = starts.by_replica.get(replica_id) or starts.by_source.get(source_id)
    if start and start.origin == Origin.DASHBOARD:
        # What the cloud makes of auto_trigger in a request is not documented: such a replica may be kept or not.
        return Told(None if start.auto_trigger else False, HISTORY, start.read_at)
    if start and start.auto_trigger:
        return Told(is_automatic=True, source=Evidence.LOG.value, read_at=start.read_at)
    told = starts.told.get(replica_id)
    if told and told.is_automatic is not None:
        return told
    if logged := starts.logged.get(source_id):
        return logged
    if start and start.has_log:
        return Told(is_automatic=False, source=Evidence.LOG.value, read_at=start.read_at)
    return Told(None, "", None)
