"""How much room replication vaults have left, how fast it goes, and how they filled up day by day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Paginator
from django.db.models import F, FloatField
from django.db.models.functions import Cast
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from replication.models import Vault, VaultDay
from replication.roles import Right, can
from replication.services import capacity, statistics
from replication.services.capacity import Forecast

from .access import PageRequest, page

#: Rows a page.
_ROWS = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One replication vault with its days, the oldest first, and what they let expect."""

    vault: Vault
    days: Sequence[VaultDay]
    forecast: Forecast


@require_GET
@page
def capacity_list(request: PageRequest) -> HttpResponse:
    """Show every replication vault that the cloud lists, the fullest first; before them those that tell no use."""
    now = timezone.now()
    vaults = (
        Vault.objects.present()
        .destinations()
        .select_related("project__region")
        .order_by(
            (Cast("used_mb", FloatField()) / F("size_gb")).desc(nulls_first=True),
            *("project__region__name", "project__name", "name", "vault_id"),
        )
    )
    shown = Paginator(vaults, _ROWS).get_page(request.GET.get("page"))
    context = {
        "page": shown,
        "rows": rows_of(shown.object_list, now),
        "now": now,
        "inventory": statistics.inventory_health(now),
        "worker": statistics.worker_health(now),
        "may_refresh": can(request.user, Right.REFRESH_INVENTORY),
    }
    return render(request, "replication/capacity.html", context)


def rows_of(vaults: Iterable[Vault], now: datetime) -> tuple[Row, ...]:
    """Add to each vault its last 30 days and its forecast. One query."""
    listed = list(vaults)
    days = capacity.days_of(listed, now)
    return tuple(
        Row(vault, days.get(vault.pk, ()), capacity.forecast(vault, days.get(vault.pk, ()), now))
        for vault in listed
    )
