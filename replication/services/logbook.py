"""Keeps the cloud's operation logs beyond the thirty days for which the cloud shows them.

What following and sweeping read is stored here as well, so that keeping costs no call of its own; where backups tell
their replication records, the log is read once a day, with the sweep. A log that the cloud forgets stays.
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db import DataError, IntegrityError, models, transaction

from replication import cloud
from replication.lifecycle import RECORD_FINAL, read_cloud_word
from replication.models import OperationLog, Project

from . import origins

logger = logging.getLogger(__name__)

#: Rows a statement, below the parameter limit of SQLite.
_SLICE = 500


def keep(cloud_name: str, logs: Iterable[cloud.OperationLog], now: datetime) -> int:
    """Store what the logs of one entry's project tell. Returns how many were new or told something new.

    `now` is from before they were asked for: what was asked for later is never overwritten, and an operation that has
    ended never runs again. Failing to store them must not stop whoever read them for another purpose.
    """
    wanted = {log.id: log for log in logs}
    project = Project.objects.filter(cloud=cloud_name).first() if wanted else None
    if project is None:
        return 0
    try:
        with transaction.atomic(durable=True):
            kept = sum(_keep(project, some, now) for some in _slices(wanted))
            origins.keep_logged(wanted.values(), now)
    except (DataError, IntegrityError):
        logger.exception("operation logs of %s cannot be stored", cloud_name)
        return 0
    return kept


def _slices(wanted: dict[str, cloud.OperationLog]) -> Iterator[dict[str, cloud.OperationLog]]:
    ids = sorted(wanted)
    for start in range(0, len(ids), _SLICE):
        yield {log_id: wanted[log_id] for log_id in ids[start : start + _SLICE]}


def _keep(project: Project, wanted: dict[str, cloud.OperationLog], now: datetime) -> int:
    """Store up to a slice of logs with at most four statements; one where nothing is new."""
    told = {log_id: _fields(log) for log_id, log in wanted.items()}
    known = {
        row.operation_log_id: row
        for row in OperationLog.objects.filter(project=project, operation_log_id__in=list(wanted))
    }
    fresh = [
        OperationLog(project=project, operation_log_id=log_id, kept_at=now, read_at=now, **fields)
        for log_id, fields in told.items()
        if log_id not in known
    ]
    # Somebody else may be keeping the same ones.
    OperationLog.objects.bulk_create(fresh, batch_size=_SLICE, ignore_conflicts=True)
    changed = [log_id for log_id, row in known.items() if _tells_more(row, told[log_id], now)]
    return len(fresh) + (_update(project, changed, told, now) if changed else 0)


def _update(project: Project, changed: list[str], told: dict[str, dict[str, Any]], now: datetime) -> int:
    """Write what changed, and look again under a lock whether it still is news."""
    locked = OperationLog.objects.select_for_update().filter(project=project, operation_log_id__in=changed)
    rows = [row for row in locked if _tells_more(row, told[row.operation_log_id], now)]
    for row in rows:
        row.read_at = now
        for name, value in told[row.operation_log_id].items():
            setattr(row, name, value)
    if rows:
        OperationLog.objects.bulk_update(rows, ["read_at", *next(iter(told.values()))], batch_size=_SLICE)
    return len(rows)


def _tells_more(row: OperationLog, told: dict[str, Any], now: datetime) -> bool:
    if row.read_at > now or all(getattr(row, name) == value for name, value in told.items()):
        return False
    return not (_is_over(row.status) and not _is_over(told["status"]))


def _is_over(word: str) -> bool:
    return read_cloud_word(word) in RECORD_FINAL


def _fields(log: cloud.OperationLog) -> dict[str, Any]:
    told = log.replication
    fields: dict[str, Any] = {
        "operation_type": log.operation_type,
        "status": log.status,
        "vault_id": log.vault_id,
        "vault_name": log.vault_name,
        "policy_id": log.policy_id,
        "provider_id": log.provider_id,
        "checkpoint_id": log.checkpoint_id,
        "resource_id": log.resource_id,
        "resource_name": log.resource_name,
        "backup_id": (told.source_backup_id if told else "") or log.backup_id,
        "backup_name": log.backup_name,
        "destination_region": told.destination_region if told else "",
        "destination_project_id": told.destination_project_id if told else "",
        "destination_backup_id": told.destination_backup_id if told else "",
        "created_at": log.created_at,
        "started_at": log.started_at,
        "ended_at": log.ended_at,
        "updated_at": log.updated_at,
        "progress_percent": log.progress_percent,
        "error_code": log.error_code,
        "error_message": log.error_message,
        "cloud_request_id": log.request_id,
    }
    return {name: _cut(name, value) for name, value in fields.items()}


def _cut(name: str, value: Any) -> Any:
    """Cut a text to what its column holds: one endless name must not hide all the others."""
    field = OperationLog._meta.get_field(name)  # noqa: SLF001  # Django's documented name for it
    return value[: field.max_length] if isinstance(field, models.CharField) else value
