"""Writes audit entries, always in the transaction of the change that they tell of."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from replication.models import AuditAction, AuditEntry, Replication

#: The name in the audit of what the worker does by itself.
WORKER = "worker"


def record(
    action: AuditAction,
    *,
    now: datetime,
    actor: User | None = None,
    replication: Replication | None = None,
    from_status: str = "",
    to_status: str = "",
    request_id: str = "",
    cloud_request_id: str = "",
    **details: Any,
) -> AuditEntry:
    """Append one entry. `actor` is `None` for the worker; `details` must be JSON and free of secrets."""
    return AuditEntry.objects.create(
        at=now,
        action=action,
        actor=actor,
        actor_name=actor.get_username() if actor else WORKER,
        replication=replication,
        from_status=from_status,
        to_status=to_status,
        request_id=request_id,
        cloud_request_id=cloud_request_id[:255],
        details={name: value for name, value in details.items() if value not in ("", None)},
    )
