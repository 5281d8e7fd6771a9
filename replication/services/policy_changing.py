"""What people ask for: creating a replication policy, applying it to vaults, removing it from one, deleting it.

Each function checks the right and the cloud's limits, then writes down the change and its audit entry in one
transaction, and nudges the worker. Nothing here speaks to the cloud.
"""

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from replication import cloud
from replication.cloud import PolicyOrder
from replication.models import (
    AuditAction,
    Policy,
    PolicyChange,
    PolicyChangeKind,
    PolicyVault,
    Project,
    Vault,
)
from replication.roles import Right, require

from . import audit, policy_limits, policy_outcome, policy_sending
from .policy_limits import Finding, NewPolicy


class WouldBeRefused(Exception):
    """The cloud's limits rule it out. Nothing was changed."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("; ".join(finding.code for finding in findings))


class ChangePending(Exception):
    """Another change of the same vault, policy or name is not over yet. Nothing was changed."""

    def __init__(self, change: PolicyChange) -> None:
        self.change = change
        super().__init__(f"{change} is {change.status}")


class FormUsed(Exception):
    """The form's key was used for a change of something else. Nothing was changed."""

    def __init__(self, change: PolicyChange) -> None:
        self.change = change
        super().__init__(f"key belongs to {change}")


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who asks for a change, why, when, and with which form."""

    actor: User
    reason: str
    #: Made with the form; the same key again returns the same change.
    key: uuid.UUID
    now: datetime
    #: X-Request-Id of the web request.
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A change before it is a row."""

    kind: PolicyChangeKind
    project: Project
    order: PolicyOrder
    subject: str
    policy_name: str
    policy: Policy | None = None
    vault: Vault | None = None
    destination_vault_id: str = ""


def subject_of_name(project: Project, name: str) -> str:
    """Return what a creation is about: two of one name could not be told apart."""
    return f"name {project.project_id} {name}"


def subject_of_vault(vault: Vault) -> str:
    """Return what applying and removing are about: a vault has one replication policy."""
    return f"vault {vault.vault_id}"


def subject_of_policy(policy: Policy) -> str:
    """Return what a deletion is about."""
    return f"policy {policy.policy_id}"


def creation_order(wanted: NewPolicy) -> PolicyOrder:
    """Return what would be sent for a new policy."""
    return cloud.creation(
        name=wanted.name,
        enabled=wanted.enabled,
        destination_region=wanted.destination.region.name,
        destination_project_id=wanted.destination.project_id,
        patterns=wanted.patterns,
        retention_days=wanted.retention_days,
        retention_number=wanted.max_backups,
    )


def application_order(policy: Policy, vault: Vault, destination: Vault) -> PolicyOrder:
    """Return what would be sent to apply a policy to a vault."""
    return cloud.association(vault.vault_id, policy.policy_id, destination.vault_id)


def removal_order(policy: Policy, vault: Vault) -> PolicyOrder:
    """Return what would be sent to remove a policy from a vault."""
    return cloud.dissociation(vault.vault_id, policy.policy_id)


def deletion_order(policy: Policy) -> PolicyOrder:
    """Return what would be sent to delete a policy."""
    return cloud.deletion(policy.policy_id)


def request_creation(
    *,
    actor: User,
    wanted: NewPolicy,
    reason: str,
    key: uuid.UUID,
    now: datetime,
    request_id: str = "",
) -> PolicyChange:
    """Write down that a policy is wanted.

    Raises:
        NotPermitted: the actor may not change policies.
        WouldBeRefused: the cloud's limits, or ours, rule it out.
        ChangePending: a policy of this name is being created in the project.
        FormUsed: the key belongs to another change.
    """
    draft = _Draft(
        PolicyChangeKind.CREATE,
        wanted.project,
        creation_order(wanted),
        subject_of_name(wanted.project, wanted.name),
        wanted.name,
    )
    asked = _Asked(actor, reason, key, now, request_id)
    return _ask(asked, [draft], lambda: policy_limits.judge_creation(wanted))[0]


def request_applications(
    *,
    actor: User,
    policy: Policy,
    vaults: Sequence[Vault],
    destination: Vault,
    reason: str,
    key: uuid.UUID,
    now: datetime,
    request_id: str = "",
) -> list[PolicyChange]:
    """Write down that a policy is wanted on vaults, one change each: all of them, or none.

    Raises:
        NotPermitted: the actor may not change policies.
        WouldBeRefused: the cloud's limits rule one of them out.
        ChangePending: the policy of one of the vaults is being changed.
        FormUsed: the key belongs to another change.
    """
    drafts = [
        _Draft(
            PolicyChangeKind.APPLY,
            policy.project,
            application_order(policy, vault, destination),
            subject_of_vault(vault),
            policy.name,
            policy,
            vault,
            destination.vault_id,
        )
        for vault in vaults
    ]

    def judge() -> list[Finding]:
        return [finding for found in judge_applications(policy, vaults, destination) for finding in found[1]]

    return _ask(_Asked(actor, reason, key, now, request_id), drafts, judge)


def judge_applications(
    policy: Policy, vaults: Sequence[Vault], destination: Vault | None
) -> list[tuple[Vault, tuple[Finding, ...]]]:
    """Return for each vault what stands in the way of applying the policy. Two queries."""
    held: dict[uuid.UUID | None, list[PolicyVault]] = {}
    for row in policy_limits.policies_of(vaults):
        held.setdefault(row.source_vault_id, []).append(row)
    unread = policy_limits.judge_reading(policy.project)
    return [
        (
            vault,
            (
                *policy_limits.judge_application(policy, vault, destination, held.get(vault.pk, ())),
                *((unread,) if unread else ()),
            ),
        )
        for vault in vaults
    ]


def request_removal(
    *,
    actor: User,
    policy: Policy,
    vault: Vault,
    reason: str,
    key: uuid.UUID,
    now: datetime,
    request_id: str = "",
) -> PolicyChange:
    """Write down that a policy is to be removed from a vault.

    Raises:
        NotPermitted: the actor may not change policies.
        WouldBeRefused: the vault does not have the policy.
        ChangePending: the policy of the vault is being changed.
        FormUsed: the key belongs to another change.
    """
    draft = _Draft(
        PolicyChangeKind.REMOVE,
        policy.project,
        removal_order(policy, vault),
        subject_of_vault(vault),
        policy.name,
        policy,
        vault,
    )
    asked = _Asked(actor, reason, key, now, request_id)
    return _ask(
        asked, [draft], lambda: policy_limits.judge_removal(policy, vault, find_application(policy, vault))
    )[0]


def find_application(policy: Policy, vault: Vault) -> PolicyVault | None:
    """Return how the policy is applied to the vault, if it is."""
    return PolicyVault.objects.filter(policy=policy, source_vault=vault).first()


def request_deletion(
    *,
    actor: User,
    policy: Policy,
    reason: str,
    key: uuid.UUID,
    now: datetime,
    request_id: str = "",
) -> PolicyChange:
    """Write down that a policy is to be deleted.

    Raises:
        NotPermitted: the actor may not change policies.
        WouldBeRefused: it is gone already, or not one for replications.
        ChangePending: it is being deleted.
        FormUsed: the key belongs to another change.
    """
    draft = _Draft(
        PolicyChangeKind.DELETE,
        policy.project,
        deletion_order(policy),
        subject_of_policy(policy),
        policy.name,
        policy,
    )
    asked = _Asked(actor, reason, key, now, request_id)
    return _ask(asked, [draft], lambda: policy_limits.judge_deletion(policy))[0]


def find_pending(subjects: Sequence[str]) -> PolicyChange | None:
    """Return a change of one of these subjects that is not over."""
    return PolicyChange.objects.pending().newest_first().filter(subject__in=subjects).first()


def _ask(asked: _Asked, drafts: Sequence[_Draft], judge: Any) -> list[PolicyChange]:
    require(asked.actor, Right.MANAGE_POLICIES)
    if made := _made_before(asked, drafts):
        return made
    subjects = [draft.subject for draft in drafts]
    if pending := find_pending(subjects):
        raise ChangePending(pending)
    if blockers := [finding for finding in judge() if finding.blocking]:
        raise WouldBeRefused(blockers)
    try:
        with transaction.atomic(durable=True):
            return [_write_down(asked, draft, key) for draft, key in _with_keys(asked, drafts)]
    except IntegrityError:
        # Somebody was faster between our look and our insert: the constraint has decided, we only say who it was.
        if made := _made_before(asked, drafts):
            return made
        if pending := find_pending(subjects):
            raise ChangePending(pending) from None
        raise


def _with_keys(asked: _Asked, drafts: Sequence[_Draft]) -> list[tuple[_Draft, uuid.UUID]]:
    """Give each change of one form a key of its own that the same form makes again."""
    if len(drafts) == 1:
        return [(drafts[0], asked.key)]
    return [(draft, uuid.uuid5(asked.key, draft.subject)) for draft in drafts]


def _made_before(asked: _Asked, drafts: Sequence[_Draft]) -> list[PolicyChange]:
    wanted = {key: draft for draft, key in _with_keys(asked, drafts)}
    made = list(PolicyChange.objects.newest_first().filter(key__in=wanted))
    for change in made:
        if change.order != asdict(wanted[change.key].order):
            raise FormUsed(change)
    return made


def _write_down(asked: _Asked, draft: _Draft, key: uuid.UUID) -> PolicyChange:
    change = PolicyChange.objects.create(
        key=key,
        kind=draft.kind,
        actor=asked.actor,
        reason=asked.reason,
        project=draft.project,
        known_policy=draft.policy,
        source_vault=draft.vault,
        policy_name=draft.policy_name,
        policy_id=draft.policy.policy_id if draft.policy else "",
        vault_id=draft.vault.vault_id if draft.vault else "",
        destination_vault_id=draft.destination_vault_id,
        order=asdict(draft.order),
        subject=draft.subject,
        requested_at=asked.now,
        changed_at=asked.now,
        check_after=asked.now,
    )
    audit.record(
        AuditAction.POLICY_REQUESTED,
        now=asked.now,
        actor=asked.actor,
        to_status=change.status,
        request_id=asked.request_id,
        reason=asked.reason,
        order=change.order,
        **policy_outcome.told(change),
    )
    # A row in our own database: rolled back with the rest, and lost without harm.
    policy_sending.carry_out_task.enqueue(str(change.pk))
    return change
