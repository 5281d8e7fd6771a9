"""What the cloud writes down about its own work: operation logs, as frozen dataclasses.

The second source for following a replication, and the only one where backups do not tell their replication records.
Nothing here knows how an answer was fetched, nor which log belongs to which of our replications.
"""

from dataclasses import dataclass
from datetime import datetime

from .fields import Fields


@dataclass(frozen=True, slots=True)
class OperationLogReplication:
    """From where to where a logged replication goes.

    API: ListOpLogs, operation_logs[].extra_info.replication; documented by the sibling Huawei cloud only.
    """

    source_backup_id: str
    source_region: str
    source_project_id: str
    destination_region: str
    destination_project_id: str
    destination_vault_id: str
    #: The replica; empty until there is one.
    destination_backup_id: str

    @classmethod
    def from_json(cls, value: object, where: str = "replication") -> "OperationLogReplication":
        """Read one.

        Raises:
            Unreadable: a field is of the wrong type.
        """
        replication = Fields.of(value, where)
        return cls(
            source_backup_id=replication.text("source_backup_id"),
            source_region=replication.text("source_region"),
            source_project_id=replication.text("source_project_id"),
            destination_region=replication.text("destination_region"),
            destination_project_id=replication.text("destination_project_id"),
            destination_vault_id=replication.text("destination_vault_id"),
            destination_backup_id=replication.text("destination_backup_id"),
        )


@dataclass(frozen=True, slots=True)
class OperationLog:
    """One operation on one resource. API: ListOpLogs, operation_logs[]."""

    id: str
    project_id: str
    #: The vault that the resource is associated with.
    vault_id: str
    vault_name: str
    #: Set when a policy started the operation.
    policy_id: str
    provider_id: str
    checkpoint_id: str
    operation_type: str
    #: waiting, running, success, skipped, failed, timeout.
    status: str
    created_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    updated_at: datetime | None
    error_code: str
    error_message: str
    progress_percent: int | None
    #: API: extra_info.common.request_id, the call that started it.
    request_id: str
    resource_id: str
    resource_name: str
    backup_id: str
    backup_name: str
    #: None: this cloud does not tell.
    replication: OperationLogReplication | None

    @classmethod
    def from_json(cls, value: object, where: str = "operation_log") -> "OperationLog":
        """Read one log.

        Raises:
            Unreadable: a field is missing or of the wrong type.
        """
        log = Fields.of(value, where)
        error = log.loose("error_info")
        extra = log.loose("extra_info")
        common, resource, backup = (extra.loose(name) for name in ("common", "resource", "backup"))
        replication = extra.loose("replication")
        return cls(
            id=log.id("id"),
            project_id=log.text("project_id"),
            vault_id=log.text("vault_id"),
            vault_name=log.text("vault_name"),
            policy_id=log.text("policy_id"),
            provider_id=log.text("provider_id"),
            checkpoint_id=log.text("checkpoint_id"),
            operation_type=log.text("operation_type", needed=True),
            status=log.text("status", needed=True),
            created_at=log.moment("created_at"),
            started_at=log.moment("started_at"),
            ended_at=log.moment("ended_at"),
            updated_at=log.moment("updated_at"),
            error_code=error.text("code"),
            error_message=error.text("message"),
            progress_percent=common.percent("progress"),
            request_id=common.text("request_id"),
            resource_id=resource.text("id"),
            resource_name=resource.text("name"),
            backup_id=backup.text("backup_id"),
            backup_name=backup.text("backup_name"),
            replication=OperationLogReplication.from_json(replication.values, replication.where)
            if replication.values
            else None,
        )
