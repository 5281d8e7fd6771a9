"""The cloud's policies as last read: all of them, one with its vaults, and the vaults that none replicates."""

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Paginator
from django.db.models import Count, Max, QuerySet, Sum
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from replication.models import CloudReading, Policy, PolicyChange, PolicyVault, Project, Vault
from replication.models.policy import PolicyChangeQuerySet
from replication.roles import Right, can
from replication.services import policy_limits, preflight, schedule

from .access import PageRequest, page

#: Rows a page, latest changes that a page shows, and vaults without a policy that the list of policies shows.
_POLICIES, _VAULTS = 50, 50
_CHANGES = 10
_FEW_VAULTS = 10
#: Next runs that a policy shows.
_RUNS = 3


@dataclass(frozen=True, slots=True)
class AppliedVault:
    """A vault that a policy works on: both ends, where our inventory knows them."""

    row: PolicyVault
    destination: Vault | None


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One policy with what the pages show of it."""

    policy: Policy
    #: Where it replicates to, if our inventory knows the project.
    destination: Project | None
    #: The next runs, in UTC; null when its schedule cannot be read, empty when it is switched off.
    runs: tuple[datetime, ...] | None
    vaults: tuple[AppliedVault, ...]


@dataclass(frozen=True, slots=True)
class BareVault:
    """A vault that no policy replicates: why it can have none, and the policy it has that is switched off."""

    vault: Vault
    obstacle: preflight.Finding | None
    idle: Policy | None


@require_GET
@page
def policy_list(request: PageRequest) -> HttpResponse:
    """Show the policies, and the vaults that none of them replicates."""
    return render(request, "replication/policy_list.html", _list_context(request))


@require_GET
@page
def policy_rows(request: PageRequest) -> HttpResponse:
    """Answer a poll of the list: all that changes on it, or nothing at all."""
    if request.GET.get("seen") == _stamp(PolicyChange.objects.all()):
        return HttpResponse(status=204)
    return render(request, "replication/_policies.html", _list_context(request))


def _list_context(request: PageRequest) -> dict[str, object]:
    now = timezone.now()
    policies = Policy.objects.present().order_by(
        "-operation_type", "project__region__name", "project__name", "name", "policy_id"
    )
    shown = Paginator(policies.select_related("project__region"), _POLICIES).get_page(request.GET.get("page"))
    bare = _in_order(policy_limits.without_policy())
    return {
        "page": shown,
        "rows": _rows(shown.object_list, now),
        "bare_count": bare.count(),
        "bare": _bare(bare[:_FEW_VAULTS]),
        **_surroundings(request, PolicyChange.objects.all(), now),
    }


@require_GET
@page
def bare_vaults(request: PageRequest) -> HttpResponse:
    """Show all vaults that could be replicated by a policy and are not."""
    shown = Paginator(_in_order(policy_limits.without_policy()), _VAULTS).get_page(request.GET.get("page"))
    context = {
        "page": shown,
        "bare": _bare(shown.object_list),
        **_surroundings(request, PolicyChange.objects.none(), timezone.now()),
    }
    return render(request, "replication/policy_bare_vaults.html", context)


@require_GET
@page
def policy_detail(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one policy: what it does, when it runs next, and on which vaults."""
    return render(request, "replication/policy_detail.html", _detail_context(request, pk))


@require_GET
@page
def policy_body(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Answer a poll of one policy: all that changes on its page, or nothing at all."""
    if request.GET.get("seen") == _stamp(PolicyChange.objects.filter(known_policy=pk)):
        return HttpResponse(status=204)
    return render(request, "replication/_policy.html", _detail_context(request, pk))


def _detail_context(request: PageRequest, pk: uuid.UUID) -> dict[str, object]:
    now = timezone.now()
    policy = get_object_or_404(Policy.objects.select_related("project__region"), pk=pk)
    [row] = _rows([policy], now)
    return {
        "row": row,
        "policy": policy,
        "obstacle": policy_limits.judge_policy(policy),
        **_surroundings(request, PolicyChange.objects.filter(known_policy=policy), now),
    }


def _surroundings(request: PageRequest, changes: PolicyChangeQuerySet, now: datetime) -> dict[str, object]:
    """Return what the pages have in common: how old the picture is, and the latest changes."""
    latest = list(changes.newest_first()[:_CHANGES])
    readings = list(CloudReading.objects.select_related("project__region").order_by("cloud"))
    return {
        "readings": readings,
        "unread": [one for one in readings if one.policies_error or not one.policies_read_at],
        "oldest_read_at": min(
            (one.policies_read_at for one in readings if one.policies_read_at), default=None
        ),
        "changes": latest,
        "is_changing": changes.pending().exists(),
        "stamp": _stamp(changes),
        "may_change": can(request.user, Right.MANAGE_POLICIES),
        "may_refresh": can(request.user, Right.REFRESH_INVENTORY),
        "now": now,
    }


def _stamp(changes: PolicyChangeQuerySet) -> str:
    """Return a short text that differs as soon as a change moves on or the policies are read anew. Two queries."""
    seen = changes.order_by().aggregate(number=Count("pk"), versions=Sum("version"))
    read = CloudReading.objects.aggregate(at=Max("policies_read_at"))
    return hashlib.blake2s(repr((seen, read)).encode(), digest_size=8).hexdigest()


def _rows(policies: Iterable[Policy], now: datetime) -> tuple[PolicyRow, ...]:
    """Add to each policy what the pages show of it. Three queries."""
    listed = list(policies)
    applied: defaultdict[uuid.UUID, list[PolicyVault]] = defaultdict(list)
    for row in (
        PolicyVault.objects.filter(policy__in=listed)
        .select_related("source_vault")
        .order_by("source_vault__name", "vault_id")
    ):
        applied[row.policy_id].append(row)
    projects = {
        project.project_id: project
        for project in Project.objects.filter(
            project_id__in={policy.destination_project_id for policy in listed}
        ).select_related("region")
    }
    targets = {
        vault.vault_id: vault
        for vault in Vault.objects.filter(
            vault_id__in={row.destination_vault_id for rows in applied.values() for row in rows} - {""}
        )
    }
    return tuple(
        PolicyRow(
            policy,
            projects.get(policy.destination_project_id),
            _runs(policy, now),
            tuple(AppliedVault(row, targets.get(row.destination_vault_id)) for row in applied[policy.pk]),
        )
        for policy in listed
    )


def _runs(policy: Policy, now: datetime) -> tuple[datetime, ...] | None:
    if not policy.enabled or policy.vanished_at:
        return ()
    return schedule.next_runs(policy.patterns, policy.started_at, after=now, count=_RUNS)


def _in_order(vaults: QuerySet[Vault]) -> QuerySet[Vault]:
    return vaults.select_related("project__region").order_by(
        "project__region__name", "project__name", "name", "vault_id"
    )


def _bare(vaults: Iterable[Vault]) -> tuple[BareVault, ...]:
    """Add to each vault why no policy replicates it, as far as that is known. One query."""
    listed = list(vaults)
    idle = {row.source_vault_id: row.policy for row in policy_limits.policies_of(listed)}
    return tuple(BareVault(vault, preflight.judge_source(vault), idle.get(vault.pk)) for vault in listed)
