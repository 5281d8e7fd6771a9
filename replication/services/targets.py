"""Sets how old the newest restore point in another region may be: for a vault, for a tag, or for a project."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from replication.models import AuditAction, Project, RecoveryTarget, Vault
from replication.roles import Right, require

from . import audit, restore_points


class ChangedMeanwhile(Exception):
    """Somebody else changed or removed the target since it was shown. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a target is for: exactly one of vault, project and tag. An empty value stands for every value of the tag."""

    vault: Vault | None = None
    project: Project | None = None
    tag_key: str = ""
    tag_value: str = ""

    @property
    def columns(self) -> dict[str, Any]:
        """The columns that find the target."""
        return {
            "vault": self.vault,
            "project": self.project,
            "tag_key": self.tag_key,
            "tag_value": self.tag_value,
        }


def set_target(
    *, actor: User, scope: Scope, hours: int, now: datetime, was: int | None = None, request_id: str = ""
) -> RecoveryTarget:
    """Set how old restore points may be, in hours. `was` is the target as it was shown; `None` for none.

    Raises:
        NotPermitted: the actor may not set targets.
        ChangedMeanwhile: there is another target than was shown.
    """
    require(actor, Right.SET_TARGETS)
    try:
        with transaction.atomic(durable=True):
            target = _write(scope, hours, was, now)
            restore_points.renew()
            audit.record(
                AuditAction.TARGET_SET,
                now=now,
                actor=actor,
                request_id=request_id,
                scope=target.scope,
                hours=hours,
                before=was,
            )
    except IntegrityError as error:
        raise ChangedMeanwhile from error
    return target


def _write(scope: Scope, hours: int, was: int | None, now: datetime) -> RecoveryTarget:
    if was is None:
        return RecoveryTarget.objects.create(**scope.columns, hours=hours, changed_at=now)
    found = RecoveryTarget.objects.filter(**scope.columns, hours=was)
    if found.update(hours=hours, changed_at=now) != 1:
        raise ChangedMeanwhile
    return RecoveryTarget.objects.select_related("vault__project__region", "project__region").get(
        **scope.columns
    )


def remove_target(*, actor: User, target: RecoveryTarget, now: datetime, request_id: str = "") -> None:
    """Remove a target as it was shown.

    Raises:
        NotPermitted: the actor may not set targets.
        ChangedMeanwhile: it was changed or removed since.
    """
    require(actor, Right.SET_TARGETS)
    with transaction.atomic(durable=True):
        removed, _rows = RecoveryTarget.objects.filter(pk=target.pk, hours=target.hours).delete()
        if removed != 1:
            raise ChangedMeanwhile
        restore_points.renew()
        audit.record(
            AuditAction.TARGET_REMOVED,
            now=now,
            actor=actor,
            request_id=request_id,
            scope=target.scope,
            before=target.hours,
        )


def known_tags() -> list[tuple[str, str]]:
    """Return key and value of every tag that a source vault has, in order."""
    tags = Vault.objects.present().sources().exclude(tags={}).values_list("tags", flat=True)
    return sorted({(str(key), str(value)) for one in tags for key, value in one.items()})
