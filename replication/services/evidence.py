"""What the cloud shows of a vault's replications, read from the three places that can show it.

Strongest first: replication records on the source backups, the source project's operation log, replicas in the
destination vault. Reads only; what follows from a sighting is decided by progress and reconciliation.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from replication.cloud import Backup, CbrClient, OperationLog, ReplicationRecord
from replication.models import CloudReading, Evidence, Replication

#: How far the cloud's clock may be from ours where a time is all that tells before from after.
CLOCK_SKEW = timedelta(minutes=5)
#: How much older than needed the logs are read: a clock that is hours off must not hide what is new.
LOG_MARGIN = timedelta(days=1)
#: The cloud tells its own time in whole seconds only.
DATE_ROUNDING = timedelta(seconds=2)
#: API: ListOpLogs, operation_logs[].operation_type; "copy" is its name in older logs.
_REPLICATION_TYPES = frozenset({"replication", "copy"})


@dataclass(frozen=True, slots=True)
class Sighting:
    """One backup's replication as one source shows it. Empty strings: the source does not tell."""

    evidence: Evidence
    #: Id of the replication record or of the operation log.
    key: str
    backup_id: str
    #: The cloud's word.
    word: str
    created_at: datetime | None
    #: When the source says that it ended; none where it does not tell.
    ended_at: datetime | None = None
    #: The source vault.
    vault_id: str = ""
    progress_percent: int | None = None
    error_code: str = ""
    error_message: str = ""
    resource_id: str = ""
    destination_region: str = ""
    destination_project_id: str = ""
    destination_vault_id: str = ""
    destination_backup_id: str = ""
    policy_id: str = ""

    @property
    def destination(self) -> tuple[str, str, str]:
        """Region, project and vault that it goes to; empty strings where the source does not tell."""
        return self.destination_region, self.destination_project_id, self.destination_vault_id

    def may_belong_to(self, replication: Replication) -> bool:
        """Return whether nothing that the sighting tells contradicts this replication."""
        told = (
            (self.destination_region, replication.destination_region),
            (self.destination_project_id, replication.destination_project_id),
            (self.destination_vault_id, replication.destination_vault_id),
            # A whole vault takes any of its backups.
            (self.backup_id, replication.backup_id or self.backup_id),
        )
        return not self.policy_id and all(seen in {"", wanted} for seen, wanted in told)

    def is_newer_than(self, replication: Replication) -> bool:
        """Return whether it appeared after the replication was sent.

        What was known right before sending is certainly older; without such knowledge the times decide, with room
        for clocks that differ.
        """
        known = replication.baseline.get(self.evidence.value)
        if known is not None:
            return self.key not in known
        if self.created_at is None or replication.submitted_at is None:
            return False
        return self.created_at >= replication.submitted_at - CLOCK_SKEW


@dataclass(frozen=True, slots=True)
class SourceReading:
    """What the source side shows, and which source was good enough to stop at."""

    evidence: Evidence
    sightings: tuple[Sighting, ...]
    #: The operation logs of every kind that were read on the way; none where they were not asked for.
    logs: tuple[OperationLog, ...] = ()

    def keys(self) -> list[str]:
        """Return the ids of everything seen."""
        return sorted(sighting.key for sighting in self.sightings)


def read_source(
    client: CbrClient, cloud: str, vault_id: str, *, since: datetime, backup_ids: Collection[str] = ()
) -> SourceReading:
    """Read the replications of a source vault with one list call; two while it is not known which source answers.

    `since` bounds the operation log. `backup_ids` are backups that surely have a record: when these answer without
    the field, the cloud does not offer it at all.

    Raises:
        CloudError: the source could not be read to its end.
    """
    return _read(
        cloud,
        lambda: _read_records(client, vault_id),
        lambda: read_logs(client, vault_id, since=since),
        is_certain=bool(backup_ids),
    )


def read_project(client: CbrClient, cloud: str, *, since: datetime) -> SourceReading:
    """Read the replications of all source vaults of a project at once.

    `since` bounds the operation log, which the cloud keeps for about 30 days.

    Raises:
        CloudError: the source could not be read to its end.
    """
    return _read(cloud, lambda: _read_records(client, ""), lambda: read_logs(client, since=since))


def _read(
    cloud: str,
    read_records: Callable[[], tuple[Sighting, ...] | None],
    read_logs: Callable[[], tuple[OperationLog, ...]],
    *,
    is_certain: bool = False,
) -> SourceReading:
    """Read the records, or the logs where the cloud has no records, and remember which it is.

    With `is_certain` the backups that are read surely have records: when none answers with the field, the cloud does
    not offer it at all.
    """
    answers = CloudReading.objects.filter(cloud=cloud).values_list("answers_records", flat=True).first()
    if answers is not False:
        records = read_records()
        if records is not None:
            if answers is None:
                CloudReading.objects.filter(cloud=cloud).update(answers_records=True)
            return SourceReading(Evidence.RECORDS, records)
        if answers is None and is_certain:
            CloudReading.objects.filter(cloud=cloud).update(answers_records=False)
    logs = read_logs()
    # The type is filtered here: the reference's filter words lack "replication", although its answers have it.
    seen = tuple(_from_log(log) for log in logs if log.operation_type in _REPLICATION_TYPES)
    return SourceReading(Evidence.LOG, seen, logs)


def _read_records(client: CbrClient, vault_id: str) -> tuple[Sighting, ...] | None:
    """Return the records on the backups of a vault, or of all vaults; `None` when no backup carries the field."""
    backups = client.list_backups(vault_id=vault_id, show_replication=True)
    answered = [backup for backup in backups if backup.replication_records is not None]
    if backups and not answered:
        return None
    return tuple(
        _from_record(record, backup)
        for backup in answered
        for record in backup.replication_records or ()
        # A replica may carry the record that made it: that is no replication of the vault that it lies in.
        if record.source_backup_id in {"", backup.id}
    )


def _from_record(record: ReplicationRecord, backup: Backup) -> Sighting:
    return Sighting(
        evidence=Evidence.RECORDS,
        key=record.id,
        backup_id=record.source_backup_id or backup.id,
        word=record.status,
        created_at=record.created_at,
        vault_id=backup.vault_id,
        progress_percent=record.progress_percent,
        error_code=record.fail_code,
        error_message=record.fail_reason,
        resource_id=backup.resource_id,
        destination_region=record.destination_region,
        destination_project_id=record.destination_project_id,
        destination_vault_id=record.destination_vault_id,
        destination_backup_id=record.destination_backup_id,
    )


def read_logs(client: CbrClient, vault_id: str = "", *, since: datetime) -> tuple[OperationLog, ...]:
    """Return the operation logs of every kind, of a vault or of all vaults.

    Raises:
        CloudError: the log could not be read to its end.
    """
    return client.list_operation_logs(vault_id=vault_id, start_time=since - LOG_MARGIN)


def _from_log(log: OperationLog) -> Sighting:
    told = log.replication
    return Sighting(
        evidence=Evidence.LOG,
        key=log.id,
        backup_id=(told.source_backup_id if told else "") or log.backup_id,
        word=log.status,
        created_at=log.created_at or log.started_at,
        ended_at=log.ended_at,
        vault_id=log.vault_id,
        progress_percent=log.progress_percent,
        error_code=log.error_code,
        error_message=log.error_message,
        resource_id=log.resource_id,
        destination_region=told.destination_region if told else "",
        destination_project_id=told.destination_project_id if told else "",
        destination_vault_id=told.destination_vault_id if told else "",
        destination_backup_id=told.destination_backup_id if told else "",
        policy_id=log.policy_id,
    )


def in_our_time(
    sightings: Iterable[Sighting], server_date: datetime | None, now: datetime
) -> tuple[Sighting, ...]:
    """Return the sightings with their times as our clock would have told them; the cloud's may be hours off."""
    ahead = server_date - now if server_date else timedelta(0)
    return tuple(
        replace(
            one,
            created_at=one.created_at and one.created_at - ahead,
            ended_at=one.ended_at and one.ended_at - ahead,
        )
        for one in sightings
    )


def read_replicas(client: CbrClient, vault_id: str) -> tuple[Backup, ...]:
    """Return the available replicas in a destination vault.

    Raises:
        CloudError: the vault could not be read to its end.
    """
    backups = client.list_backups(vault_id=vault_id, show_replication=True)
    return tuple(backup for backup in backups if backup.status == "available")


def new_replicas(replication: Replication, replicas: Iterable[Backup]) -> tuple[Backup, ...]:
    """Return the replicas that appeared after the replication was sent.

    Those known right before sending are older; without such knowledge the times decide, with room for clocks that
    differ.
    """
    known = replication.baseline.get(Evidence.REPLICA.value)
    if known is not None:
        return tuple(one for one in replicas if one.id not in known)
    sent = replication.submitted_at or replication.requested_at
    return tuple(one for one in replicas if one.created_at and one.created_at >= sent - CLOCK_SKEW)
