"""Carries out the changes of policies: reads what is there, sends one request, and reads back what became of it.

A change is done when the cloud's own list shows it, and not before. What may have been carried out is looked for. Only
what has the same effect twice as once is ever sent again by itself; the making of a policy never is. No transaction is
open while the cloud is spoken to.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import DataError, IntegrityError
from django.db.models import F
from django.utils import timezone
from django_tasks import task

from replication import cloud
from replication.cloud import (
    CbrClient,
    CloudError,
    NotDelivered,
    PolicyOrder,
    Refused,
)
from replication.models import Policy, PolicyChange, PolicyChangeKind, PolicyChangeStatus
from replication.roles import Right, can

from . import policy_outcome, sweeping
from .submission import ATTEMPTS, CLAIM, ClaimLost, worker_identity

logger = logging.getLogger(__name__)
Clock = Callable[[], datetime]
_Status = PolicyChangeStatus

#: A request leaves this soon after its claim or not at all, so that the claim outlives it whatever happens.
_LATEST_START = timedelta(seconds=20)
#: While one worker looks, others leave it alone for this long.
_LOOK_CLAIM = timedelta(minutes=5)
#: Changes that a round takes up at most, so that the replications do not wait for them.
_AT_ONCE = 10


@task()
def carry_out_task(change_id: str) -> None:
    """Carry out a change soon. Only a nudge: the row decides whether there is anything to do."""
    carry_out(change_id, worker_id=worker_identity(), clock=timezone.now)


def make_round(*, worker_id: str, clock: Clock, beat: Callable[[], None] = lambda: None) -> int:
    """Take up every change that is due. Returns how many. `beat` is called before each: it may end the round."""
    release_dead_claims(clock())
    due = [
        (step, change_id)
        for step, status in ((carry_out, _Status.REQUESTED), (settle, _Status.UNCLEAR))
        for change_id in PolicyChange.objects.due(clock(), status).values_list("pk", flat=True)[:_AT_ONCE]
    ]
    for step, change_id in due:
        beat()
        try:
            step(change_id, worker_id=worker_id, clock=clock)
        except (DataError, IntegrityError):
            # What it may have sent is looked for when its claim runs out; the others must not wait for it.
            logger.exception("policy change %s cannot be stored", change_id)
    return len(due)


def release_dead_claims(now: datetime) -> None:
    """Turn every claim that ran out into an unclear change: its worker may have died before or after sending."""
    dead = PolicyChange.objects.filter(status=_Status.SENDING, claimed_until__lt=now).select_related(
        "project"
    )
    for change in dead:
        policy_outcome.step(
            change,
            _Status.UNCLEAR,
            now,
            check_after=now,
            claimed_until=None,
            error_code="worker_lost",
            error_message="The worker that was sending it stopped before it could write down an outcome.",
        )


def carry_out(change_id: UUID | str, *, worker_id: str, clock: Clock) -> None:
    """Send one queued change that is due, unless somebody else does or it must not be sent any more."""
    now = clock()
    change = (
        PolicyChange.objects.due(now, _Status.REQUESTED)
        .filter(pk=change_id)
        .select_related("actor", "project")
        .first()
    )
    if change is None or sweeping.is_held_back(change.project.cloud):
        return
    if change.attempt >= ATTEMPTS:
        policy_outcome.step(change, _Status.NOT_DONE, now, check_after=None)
        return
    if not can(change.actor, Right.MANAGE_POLICIES):
        policy_outcome.step(
            change,
            _Status.NOT_DONE,
            now,
            check_after=None,
            error_code="policy_right_lost",
            error_message="The requester lost the right to change policies before it was sent.",
        )
        return
    try:
        client = policy_outcome.client_of(change)
        seen = client.list_policies()
    except CloudError as error:
        policy_outcome.postpone(change, error, clock())
        return
    if not _decided_beforehand(change, seen, clock()):
        _claim_and_send(change, client, seen, worker_id, clock)


def settle(change_id: UUID | str, *, worker_id: str, clock: Clock) -> None:  # noqa: ARG001  # a step like `carry_out`
    """Look once for a change whose outcome is unclear; write down what the cloud shows."""
    now = clock()
    change = (
        PolicyChange.objects.due(now, _Status.UNCLEAR).filter(pk=change_id).select_related("project").first()
    )
    if change is None:
        return
    claimed = PolicyChange.objects.filter(
        pk=change.pk, status=_Status.UNCLEAR, check_after=change.check_after
    ).update(check_after=now + _LOOK_CLAIM)
    if claimed:
        policy_outcome.look(change, _Status.UNCLEAR, clock)


def _decided_beforehand(change: PolicyChange, seen: tuple[cloud.Policy, ...], now: datetime) -> bool:
    """End a change that the cloud shows already, or that its present policies rule out. Nothing is sent then."""
    code = message = ""
    if change.is_creation:
        if any(one.name == change.policy_name and one.operation_type == Policy.REPLICATION for one in seen):
            code = "name_taken"
            message = "The project has a replication policy of this name by now. Nothing was sent."
    elif policy_outcome.shown_by(change, seen):
        policy_outcome.finish(change, _Status.REQUESTED, seen, now)
        return True
    elif change.kind == PolicyChangeKind.APPLY and (holder := _holder(change, seen)):
        code = "vault_taken"
        message = f"The vault has the replication policy {holder} by now. Nothing was sent."
    if code:
        policy_outcome.step(
            change, _Status.REFUSED, now, check_after=None, error_code=code, error_message=message
        )
    return bool(code)


def _holder(change: PolicyChange, seen: tuple[cloud.Policy, ...]) -> str:
    """Return the name of the replication policy that the vault has; a cloud might replace it without a word."""
    return next(
        (
            one.name or one.id
            for one in seen
            if one.operation_type == Policy.REPLICATION
            and any(pair.vault_id == change.vault_id for pair in one.associated_vaults)
        ),
        "",
    )


def _claim_and_send(
    change: PolicyChange, client: CbrClient, seen: tuple[cloud.Policy, ...], worker_id: str, clock: Clock
) -> None:
    # Taken before the row is, so that the time of the commit is not forgotten.
    held_since = time.monotonic()
    now = clock()
    claimed = policy_outcome.step(
        change,
        _Status.SENDING,
        now,
        sent_at=now,
        attempt=F("attempt") + 1,
        claimed_by=worker_id,
        claimed_until=now + CLAIM,
        check_after=now + CLAIM,
        looks=0,
        baseline=sorted(one.id for one in seen),
        error_code="",
        error_message="",
    )
    if claimed:
        change.refresh_from_db()
        _Claim(change, clock, held_since).send(client)


@dataclass(frozen=True, slots=True)
class _Claim:
    """The right to send one change once, until a moment."""

    change: PolicyChange
    clock: Clock
    held_since: float

    def send(self, client: CbrClient) -> None:
        """Send the one request, and write down its outcome or look for it."""
        try:
            request_id = client.change_policies(
                PolicyOrder(**self.change.order), before_connecting=self._demand
            )
        except ClaimLost:
            self._move(_Status.REQUESTED, check_after=self.clock())
        except NotDelivered as error:
            self._move(
                _Status.REQUESTED,
                check_after=self.clock() + policy_outcome.pause(self.change, error),
                **policy_outcome.error_of(error),
            )
        except Refused as error:
            # A deletion or a removal that an earlier attempt carried out is refused, and yet it is done.
            if self.change.is_creation or not policy_outcome.look(
                self.change, _Status.SENDING, self.clock, otherwise=None
            ):
                self._move(_Status.REFUSED, check_after=None, **policy_outcome.error_of(error))
        except CloudError as error:
            self._move(
                _Status.UNCLEAR,
                check_after=self.clock() + policy_outcome.FIRST_LOOK,
                **policy_outcome.error_of(error),
            )
        else:
            PolicyChange.objects.filter(pk=self.change.pk).update(cloud_request_id=request_id[:255])
            policy_outcome.look(self.change, _Status.SENDING, self.clock)

    def _demand(self) -> None:
        """Make sure, by two clocks and in the database, that nobody can think that we are dead while we send.

        Raises:
            ClaimLost: too much time has passed, or the row is not ours any more.
        """
        passed = timedelta(seconds=time.monotonic() - self.held_since)
        sent_at = self.change.sent_at
        if (
            sent_at is None
            or max(passed, self.clock() - sent_at) > _LATEST_START
            or not self._mine().exists()
        ):
            raise ClaimLost

    def _mine(self) -> Any:
        return PolicyChange.objects.filter(
            pk=self.change.pk,
            status=_Status.SENDING,
            attempt=self.change.attempt,
        )

    def _move(self, status: str, **changes: Any) -> None:
        policy_outcome.step(self.change, status, self.clock(), claimed_until=None, **changes)
