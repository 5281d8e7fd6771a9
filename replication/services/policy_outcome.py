"""Reads back what became of a change of policies, and writes down each step of it.

A change is done when the cloud's own list shows it, and not before. Each step is one durable transaction that moves
the row by a conditional update, so that whoever comes late changes nothing that others have decided.
"""

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F

from replication import cloud
from replication.cloud import CbrClient, CloudError, Misconfigured, Throttled
from replication.models import AuditAction, Policy, PolicyChange, PolicyChangeKind, PolicyChangeStatus

from . import audit, connection, inventory, policy_mirror
from .submission import ATTEMPTS, CLAIM

logger = logging.getLogger(__name__)
Clock = Callable[[], datetime]
_Status = PolicyChangeStatus

#: The first look at the cloud after an unclear outcome; later ones follow at growing distance.
FIRST_LOOK = timedelta(seconds=15)
_LOOKS_AT = tuple(timedelta(seconds=seconds) for seconds in (15, 60, 150, 300, 600))
_LATER = timedelta(minutes=10)
#: Complete looks that must have found nothing before a change counts as not carried out, or is sent again.
_LOOKS_NEEDED = 3
_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=5)

_STEP_ACTIONS = {
    _Status.SENDING: AuditAction.POLICY_SENDING,
    _Status.DONE: AuditAction.POLICY_DONE,
    _Status.REFUSED: AuditAction.POLICY_REFUSED,
    _Status.UNCLEAR: AuditAction.POLICY_UNCLEAR,
    _Status.REQUESTED: AuditAction.POLICY_REQUEUED,
    _Status.NOT_DONE: AuditAction.POLICY_NOT_DONE,
}


def shown_by(change: PolicyChange, seen: tuple[cloud.Policy, ...]) -> bool:
    """Return whether a list of policies shows that a change has been carried out."""
    if change.is_creation:
        return created_policy(change, seen) is not None
    policy = next((one for one in seen if one.id == change.policy_id), None)
    if change.kind == PolicyChangeKind.DELETE:
        return policy is None
    pairs = {pair.vault_id: pair.destination_vault_id for pair in policy.associated_vaults} if policy else {}
    if change.kind == PolicyChangeKind.REMOVE:
        return change.vault_id not in pairs
    # A cloud that does not tell the destination leaves it empty.
    return change.vault_id in pairs and pairs[change.vault_id] in ("", change.destination_vault_id)


def created_policy(change: PolicyChange, seen: tuple[cloud.Policy, ...]) -> cloud.Policy | None:
    """Return the policy that a creation has made: of its name and kind, and not there before it was sent."""
    wanted = change.order["document"]["policy"]
    definition = wanted["operation_definition"]
    return next(
        (
            one
            for one in seen
            if one.id not in change.baseline
            and one.name == wanted["name"]
            and one.operation_type == wanted["operation_type"]
            and one.destination_project_id == definition["destination_project_id"]
        ),
        None,
    )


def told(change: PolicyChange) -> dict[str, Any]:
    """Return what an audit entry tells of a change."""
    return {
        "change": str(change.pk),
        "kind": change.kind,
        "project_id": change.project.project_id,
        "policy": change.policy_name,
        "policy_id": change.policy_id,
        "vault_id": change.vault_id,
        "destination_vault_id": change.destination_vault_id,
    }


def client_of(change: PolicyChange) -> CbrClient:
    """Return the client of the change's project.

    Raises:
        CloudError: nobody is signed in there any more.
    """
    if not change.project.cloud:
        raise Misconfigured(
            "No entry of REPLICATION_CLOUDS is signed in to the project any more. Add it again."
        )
    client = connection.cbr(change.project.cloud)
    if client.project_id != change.project.project_id:
        raise Misconfigured(
            f"The cloud entry {change.project.cloud} now belongs to another project than the one this change is for."
        )
    return client


def look(change: PolicyChange, before: str, clock: Clock, *, otherwise: str | None = _Status.UNCLEAR) -> bool:
    """Read the policies once; end the change if they show it, else say when to look again. Returns whether they do.

    With `otherwise` none, a change that is not shown is left to the caller.
    """
    try:
        seen = client_of(change).list_policies()
    except CloudError as error:
        if otherwise:
            _wait(change, before, clock(), looks=change.looks, **error_of(error))
        return False
    now = clock()
    if shown_by(change, seen):
        finish(change, before, seen, now)
        return True
    if otherwise:
        _wait(change, before, now, looks=change.looks + 1)
    return False


def _wait(change: PolicyChange, before: str, now: datetime, *, looks: int, **error: str) -> None:
    """Write down a look that did not show the change, and what follows from it."""
    sent = change.sent_at or change.requested_at
    enough = looks >= _LOOKS_NEEDED and not error
    if before == _Status.UNCLEAR and enough:
        if not change.is_creation and now >= sent + CLAIM:
            # The same request again does what it does once; a late effect of the first changes nothing.
            after = _Status.REQUESTED if change.attempt < ATTEMPTS else _Status.NOT_DONE
            step(change, after, now, check_after=now if after == _Status.REQUESTED else None, looks=looks)
            return
        if change.is_creation and now >= sent + settings.REPLICATION_SETTLE_WINDOW:
            step(
                change,
                _Status.NOT_DONE,
                now,
                check_after=None,
                looks=looks,
                error_code="never_seen",
                error_message=f"{looks} complete readings of the project's policies did not show it.",
            )
            return
    upcoming = (sent + distance for distance in (*_LOOKS_AT, settings.REPLICATION_SETTLE_WINDOW))
    check_after = min((moment for moment in upcoming if moment > now), default=now + _LATER)
    if before == _Status.UNCLEAR:
        # Why it became unclear stays, also where this look failed for another reason.
        PolicyChange.objects.filter(pk=change.pk, status=before).update(
            looks=looks, check_after=check_after, version=F("version") + 1
        )
    else:
        step(change, _Status.UNCLEAR, now, check_after=check_after, claimed_until=None, looks=looks, **error)


def finish(change: PolicyChange, before: str, seen: tuple[cloud.Policy, ...], now: datetime) -> None:
    """End a change that the cloud shows, and bring the mirror of the project's policies in line with what was read."""
    made = created_policy(change, seen) if change.is_creation else None
    with transaction.atomic(durable=True):
        policy_mirror.keep(change.project.cloud, change.project, seen, now)
        changes: dict[str, Any] = {"error_code": "", "error_message": ""}
        if made:
            known = Policy.objects.filter(project=change.project, policy_id=made.id).first()
            changes |= {"policy_id": made.id, "known_policy": known}
            change.policy_id = made.id
        _move(change, before, _Status.DONE, now, check_after=None, claimed_until=None, **changes)
        inventory.make_due(change.project.cloud, now)


def step(change: PolicyChange, after: str, now: datetime, **changes: Any) -> bool:
    """Take a change a step onward in a transaction of its own. Returns whether it still stood where it was seen."""
    with transaction.atomic(durable=True):
        return _move(change, change.status, after, now, **changes)


def _move(change: PolicyChange, before: str, after: str, now: datetime, **changes: Any) -> bool:
    # Each claim raises the number of attempts: a step of an earlier one never passes for a step of this one.
    row = PolicyChange.objects.filter(pk=change.pk, attempt=change.attempt)
    if not row.move(before, after, now=now, **changes):
        return False
    audit.record(
        _STEP_ACTIONS[_Status(after)],
        now=now,
        from_status=before,
        to_status=after,
        code=changes.get("error_code", ""),
        message=changes.get("error_message", ""),
        cloud_request_id=str(changes.get("cloud_request_id", "")),
        **told(change),
    )
    return True


def postpone(change: PolicyChange, error: CloudError, now: datetime) -> None:
    """Write down that the cloud could not even be read; try again after a pause. It stays queued."""
    with transaction.atomic(durable=True):
        changed = PolicyChange.objects.filter(
            pk=change.pk, status=_Status.REQUESTED, attempt=change.attempt
        ).update(
            attempt=F("attempt") + 1,
            check_after=now + pause(change, error),
            changed_at=now,
            version=F("version") + 1,
            **error_of(error),
        )
        if changed:
            audit.record(
                AuditAction.POLICY_REQUEUED,
                now=now,
                from_status=_Status.REQUESTED,
                to_status=_Status.REQUESTED,
                code=error.code,
                message=str(error.message),
                **told(change),
            )


def pause(change: PolicyChange, error: CloudError) -> timedelta:
    """Return how long to wait: what the cloud asks for, else longer with each attempt."""
    if isinstance(error, Throttled) and error.retry_after is not None:
        return timedelta(seconds=error.retry_after)
    grown: timedelta = min(_FIRST_PAUSE * 2 ** min(change.attempt, 10), _LONGEST_PAUSE)
    # Spread, so that what was held up together does not come back together.
    return grown * random.uniform(0.8, 1.2)  # noqa: S311  # no secret depends on it


def error_of(error: CloudError) -> dict[str, str]:
    told = {"error_code": error.code[:64], "error_message": str(error.message)}
    return told | ({"cloud_request_id": error.request_id[:255]} if error.request_id else {})
