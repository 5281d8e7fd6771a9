"""Reads both sides of a comparison from what we remember, and puts the rules over them to work.

A fixed number of queries, however many backups either vault holds, and of a vault that takes replicas of many only
what may come from the one in question.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet

from replication.lifecycle import RecordStatus
from replication.models import (
    Backup,
    CloudReading,
    Evidence,
    OperationLog,
    ReplicaOrigin,
    ReplicationRecord,
    Vault,
)

from .keeping import Start, Starts, Told, judge
from .matching import Matched, Origin, match
from .sides import FIELDS, Keeping, Match, Pair, Side, Sight, sight_of

if TYPE_CHECKING:
    from collections.abc import Iterable

#: A record or log is not older than the replica that it tells of; clocks and slow copies get room.
_MARGIN = timedelta(days=3)


@dataclass(frozen=True)
class Comparison:
    """Two vaults side by side. Lists are newest first, pairs that differ before those that do not."""

    source: Sight
    destination: Sight
    only_here: tuple[Pair, ...]
    both: tuple[Pair, ...]
    #: Replicas whose source backup the cloud no longer lists.
    only_there: tuple[Pair, ...]
    #: Replicas there that other source vaults are known to have, and those of which nobody knows the source vault.
    of_others: int
    of_nobody: int

    @property
    def is_sure(self) -> bool:
        """Whether both sides were read well enough to say that something is missing, or that nothing is."""
        return self.source.is_good and self.destination.is_good

    @cached_property
    def kept(self) -> tuple[Pair, ...]:
        """Replicas that no retention will ever remove, the oldest first."""
        return self._keeping(Keeping.MANUAL)

    @cached_property
    def doubtful(self) -> tuple[Pair, ...]:
        """Replicas of which it is not known whether any retention removes them, the oldest first."""
        return self._keeping(Keeping.UNKNOWN)

    def _keeping(self, wanted: Keeping) -> tuple[Pair, ...]:
        found = [pair for pair in (*self.both, *self.only_there) if pair.keeping == wanted]
        return tuple(sorted(found, key=_newness, reverse=True))


def compare(source: Vault, destination: Vault, now: datetime) -> Comparison:
    """Set a source vault beside a replication vault. Eleven queries.

    Both vaults come with their project and its region.
    """
    readings = CloudReading.objects.in_bulk({source.project.cloud, destination.project.cloud} - {""})
    sights = [sight_of(vault, readings.get(vault.project.cloud), now) for vault in (source, destination)]
    both_vaults = _Vaults(source, destination)
    replicas = _sides(both_vaults.replicas_in_question())
    since = min((side.created_at for side in replicas if side.created_at), default=now) - _MARGIN
    records = both_vaults.records(since)
    told = both_vaults.told()
    origins = {
        **{
            record["destination_backup_id"]: Origin(source.vault_id, record["backup_id"], Match.SEEN)
            for record in records
            if record["destination_backup_id"]
        },
        **{
            replica_id: Origin(one.source_vault_id, one.source_backup_id, Match.TOLD)
            for replica_id, one in told.items()
        },
    }
    matched = match(
        source.vault_id,
        sources=_sides(source.backups.present()),
        expired=_sides(both_vaults.expired_in_question()),
        replicas=replicas,
        origins=origins,
        elsewhere=both_vaults.elsewhere(),
    )
    starts = _starts(records, told, both_vaults.logged(since))
    return _sorted(matched, starts, (sights[0], sights[1]), *both_vaults.count_the_others(matched))


class _Vaults:
    """The queries, all of them about one source vault and one destination vault."""

    def __init__(self, source: Vault, destination: Vault) -> None:
        self._source = source
        self._destination = destination
        self._there = Backup.objects.present().filter(vault=destination)
        self._servers = source.backups.exclude(resource_id="").order_by().values("resource_id").distinct()
        self._told = ReplicaOrigin.objects.filter(source_vault_id=source.vault_id)
        self._named = ReplicationRecord.objects.filter(replication__source_vault=source).exclude(
            destination_backup_id=""
        )

    def replicas_in_question(self) -> QuerySet[Backup]:
        """Replicas that somebody has told to come from the source, and those of servers that it has backups of."""
        return self._there.filter(
            Q(backup_id__in=self._told.values("replica_id"))
            | Q(backup_id__in=self._named.values("destination_backup_id"))
            | Q(resource_id__in=self._servers)
        )

    def expired_in_question(self) -> QuerySet[Backup]:
        """Backups that the cloud no longer lists in the source and that a replica there may come from."""
        gone = self._source.backups.exclude(vanished_at=None)
        return gone.filter(
            Q(backup_id__in=self._told.values("source_backup_id"))
            | Q(backup_id__in=self._named.values("backup_id"))
            | Q(name__in=self._there.order_by().values("name"))
        )

    def records(self, since: datetime) -> list[dict[str, Any]]:
        """What our history has replicated from the one into the other, the latest last."""
        destination = self._destination
        return list(
            ReplicationRecord.objects.filter(
                replication__source_vault=self._source,
                replication__destination_region=destination.project.region.name,
                replication__destination_vault_id__in=["", destination.vault_id],
                status=RecordStatus.SUCCEEDED,
                changed_at__gte=since,
            )
            .order_by("changed_at", "pk")
            .values(
                *("backup_id", "destination_backup_id", "operation_log_id"),
                *("replication__origin", "replication__auto_trigger", "changed_at"),
            )
        )

    def told(self) -> dict[str, ReplicaOrigin]:
        """What the cloud has named as sources of the replicas there, by replica."""
        origins = ReplicaOrigin.objects.filter(replica_id__in=self._there.order_by().values("backup_id"))
        return {one.replica_id: one for one in origins}

    def elsewhere(self) -> set[tuple[str, str]]:
        """Server and name of backups of the same servers in other source vaults."""
        others = Backup.objects.filter(resource_id__in=self._servers).exclude(
            Q(vault=self._source) | Q(vault__protect_type=Vault.REPLICATION)
        )
        return set(others.order_by().values_list("resource_id", "name"))

    def logged(self, since: datetime) -> dict[str, Told]:
        """Whether a policy replicated each backup, as the operation log has it: it names the policy."""
        logs = OperationLog.objects.replications().filter(
            project=self._source.project,
            vault_id=self._source.vault_id,
            status="success",
            created_at__gte=since,
            destination_region__in=["", self._destination.project.region.name],
        )
        found = logs.exclude(backup_id="").order_by("created_at")
        return {
            backup_id: Told(bool(policy_id), Evidence.LOG.value, read_at)
            for backup_id, policy_id, read_at in found.values_list("backup_id", "policy_id", "read_at")
        }

    def count_the_others(self, matched: Matched) -> tuple[int, int]:
        """How many replicas there are other vaults', and how many nobody's that we know of."""
        ours = sum(1 for pair in (*matched.both, *matched.only_there) if pair.replica)
        in_all = self._there.count()
        known = Backup.objects.exclude(vault__protect_type=Vault.REPLICATION)
        others = self._there.filter(
            Q(backup_id__in=ReplicaOrigin.objects.values("replica_id"))
            | Q(backup_id__in=self._named.values("destination_backup_id"))
            | Q(resource_id__in=known.exclude(resource_id="").order_by().values("resource_id"))
        )
        of_others = max(0, others.count() - ours)
        return of_others, in_all - ours - of_others


def _sides(backups: QuerySet[Backup]) -> list[Side]:
    return [Side(*values) for values in backups.order_by().values_list(*FIELDS)]


def _starts(
    records: "Iterable[dict[str, Any]]", told: dict[str, ReplicaOrigin], logged: dict[str, Told]
) -> Starts:
    by_replica, by_source = {}, {}
    for record in records:
        start = Start(
            origin=record["replication__origin"],
            auto_trigger=record["replication__auto_trigger"],
            has_log=bool(record["operation_log_id"]),
            read_at=record["changed_at"],
        )
        by_source[record["backup_id"]] = start
        if record["destination_backup_id"]:
            by_replica[record["destination_backup_id"]] = start
    return Starts(
        by_replica=by_replica,
        by_source=by_source,
        told={
            replica_id: Told(one.is_automatic, one.told_by, one.told_at) for replica_id, one in told.items()
        },
        logged=logged,
    )


def _sorted(
    matched: Matched, starts: Starts, sights: tuple[Sight, Sight], of_others: int, of_nobody: int
) -> Comparison:
    both = sorted((judge(pair, starts) for pair in matched.both), key=_newness)
    both.sort(key=lambda pair: not pair.differences)
    return Comparison(
        source=sights[0],
        destination=sights[1],
        only_here=tuple(sorted(matched.only_here, key=_newness)),
        both=tuple(both),
        only_there=tuple(sorted((judge(pair, starts) for pair in matched.only_there), key=_newness)),
        of_others=of_others,
        of_nobody=of_nobody,
    )


def _newness(pair: Pair) -> tuple[float, str]:
    """Sort the newest first; those without a time before all, since nobody knows how old they are."""
    side = pair.replica or pair.source
    made = pair.created_at
    return (-made.timestamp() if made else float("-inf")), side.backup_id if side else ""
