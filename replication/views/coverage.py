"""Where we stand: for each server or vault and each region, how old the newest restore point there is.

Knows how the matrix is cut into pages and rows; what a cell means is said by `services.coverage`.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from replication.filters import CoverageFilterForm
from replication.models import ProtectedServer, Region, Vault
from replication.roles import Right, can
from replication.services import coverage, statistics
from replication.services.coverage import Cell, Sight

from .access import PageRequest, page
from .standing import describe

#: Rows a page of missing backups.
_BACKUPS = 50


@dataclass(frozen=True, slots=True)
class Place:
    """A cell in its row, with where it leads to."""

    cell: Cell
    missing: str
    replicate: str


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A server, or a vault if there is none, with a place for each column; `None` where the row cannot replicate to."""

    server: ProtectedServer | None
    vault: Vault
    places: tuple[tuple[str, Place | None], ...]
    #: In place of all others where no region is known that the row can replicate to.
    nowhere: Place | None


@require_GET
@page
def matrix(request: PageRequest) -> HttpResponse:
    """Show the matrix, the worst first."""
    now = timezone.now()
    inventory = statistics.inventory_health(now)
    sight = Sight.of(inventory.readings, now)
    form = CoverageFilterForm(request.GET)
    form.is_valid()
    list_rows = coverage.vaults if form.by_vault else coverage.servers
    shown = Paginator(list_rows(sight, now, form.wanted), form.page_size).get_page(request.GET.get("page"))
    columns = coverage.columns()
    standing = coverage.standing(sight, now)
    context = {
        "form": form,
        "now": now,
        "page": shown,
        "columns": columns,
        "rows": _rows(shown, form, sight, now, columns),
        "standing": standing,
        "summary": describe(standing, inventory),
        "inventory": inventory,
        "worker": statistics.worker_health(now),
        "may_refresh": can(request.user, Right.REFRESH_INVENTORY),
        "may_set_targets": can(request.user, Right.SET_TARGETS),
    }
    return render(request, "replication/coverage.html", context)


def _rows(
    shown: Page[Any],
    form: CoverageFilterForm,
    sight: Sight,
    now: datetime,
    columns: Sequence[str],
) -> tuple[MatrixRow, ...]:
    """Read the rows of one page with all their cells. Two queries."""
    if form.by_vault:
        ids = [row["server__vault"] for row in shown]
        cells = coverage.cells_of_vaults(sight, now, ids)
        vaults = Vault.objects.select_related("project__region").in_bulk(ids)
        return tuple(_row(None, vaults[pk], cells[pk], columns) for pk in ids)
    ids = [row["server"] for row in shown]
    cells = coverage.cells_of_servers(sight, now, ids)
    servers = ProtectedServer.objects.select_related("vault__project__region").in_bulk(ids)
    return tuple(_row(servers[pk], servers[pk].vault, cells[pk], columns) for pk in ids)


def _row(
    server: ProtectedServer | None, vault: Vault, cells: Mapping[str, Cell], columns: Sequence[str]
) -> MatrixRow:
    places = {name: _place(server, vault, cell) for name, cell in cells.items()}
    return MatrixRow(server, vault, tuple((name, places.get(name)) for name in columns), places.get(""))


def _place(server: ProtectedServer | None, vault: Vault, cell: Cell) -> Place:
    """Say where a cell leads to: what is missing there, and the form that replicates it, filled in."""
    if not cell.region:
        return Place(cell, "", "")
    about = {"server": server.pk} if server else {"vault": vault.pk}
    return Place(
        cell,
        missing=f"{reverse('coverage-missing')}?{urlencode({**about, 'region': cell.region})}",
        replicate=f"{reverse('replication-new')}?{urlencode({'vault': vault.pk, **cell.way})}",
    )


@require_GET
@page
def missing(request: PageRequest) -> HttpResponse:
    """Show the backups of one server or vault that have not arrived in one region."""
    now = timezone.now()
    # Compared here: PostgreSQL refuses to compare with some of what an address may carry.
    region = next((one for one in Region.objects.all() if one.name == request.GET.get("region")), None)
    if region is None:
        raise Http404
    server = None
    if "server" in request.GET:
        servers = ProtectedServer.objects.select_related("vault__project__region")
        server = get_object_or_404(servers, pk=_uuid(request.GET["server"]))
        vault = server.vault
    else:
        vaults = Vault.objects.sources().select_related("project__region")
        vault = get_object_or_404(vaults, pk=_uuid(request.GET.get("vault", "")))
    inventory = statistics.inventory_health(now)
    sight = Sight.of(inventory.readings, now)
    if server:
        cells = coverage.cells_of_servers(sight, now, [server.pk]).get(server.pk, {})
    else:
        cells = coverage.cells_of_vaults(sight, now, [vault.pk]).get(vault.pk, {})
    cell = cells.get(region.name)
    backups = coverage.missing(
        vault=vault, region=region.name, resource_id=server.resource_id if server else ""
    )
    context = {
        "now": now,
        "server": server,
        "vault": vault,
        "region": region,
        "place": _place(server, vault, cell) if cell else None,
        "page": Paginator(backups, _BACKUPS).get_page(request.GET.get("page")),
        "inventory": inventory,
        "worker": statistics.worker_health(now),
    }
    return render(request, "replication/coverage_missing.html", context)


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise Http404 from error
