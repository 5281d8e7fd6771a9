"""Vaults as last read from the cloud: the list of all of them, and one with its backups and replications."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.core.paginator import Paginator
from django.db.models import Case, Count, DateTimeField, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from replication.filters import VaultFilterForm
from replication.forms import judge_source
from replication.lifecycle import RecordStatus
from replication.models import Backup, Replication, ReplicationRecord, Vault
from replication.roles import Right, can
from replication.services import preflight, statistics

from . import capacity, exports, tables
from .access import PageRequest, page
from .rows import Row, rows_of, with_both_ends
from .selecting import fitting, write_filter
from .tables import Column, Table

#: Backups a page of a vault.
_BACKUPS = 50
#: Latest replications that a vault's page shows.
_REPLICATIONS = 10


VAULTS = Table(
    code="vaults",
    label=_("Vaults"),
    page="vault-list",
    sort="region",
    columns=(
        Column("vault", _("Vault"), order=("name", "id"), is_fixed=True),
        Column(
            "region",
            _("Region / project"),
            order=("project__region__name", "project__name", "name", "id"),
            css="project",
        ),
        Column("purpose", _("Purpose"), order=("protect_type", "name", "id")),
        Column("used", _("Used"), order=("used_or_unknown", "name", "id"), is_descending=True),
        Column("backups", _("Backups"), css="number"),
        Column("last", _("Last replication"), order=("last_at", "name", "id"), is_descending=True),
        Column("status", _("Status in the cloud"), order=("status", "name", "id"), is_usual=False),
        Column("id", _("Vault ID"), order=("vault_id", "id"), is_usual=False),
    ),
)
#: Columns of the file.
EXPORTED: exports.Fields = {
    "id": "id",
    "region": "project__region__name",
    "project": "project__name",
    "project_id": "project__project_id",
    **{
        name: name
        for name in (
            *("vault_id", "name", "protect_type", "object_type", "status", "size_gb", "used_mb"),
            *("auto_expand", "resource_count", "created_at", "seen_at", "vanished_at"),
        )
    },
    "backups": Coalesce(
        Subquery(
            Backup.objects.present()
            .filter(vault=OuterRef("pk"))
            .order_by()
            .values("vault")
            .annotate(found=Count("pk"))
            .values("found")
        ),
        0,
    ),
}


@dataclass(frozen=True, slots=True)
class VaultRow:
    """One vault in the list, with what it holds, what was replicated last, and why it is unfit, if it is."""

    vault: Vault
    backups: int
    last: Row | None
    obstacle: preflight.Finding | None


@dataclass(frozen=True, slots=True)
class BackupRow:
    """One backup of a vault, with what our own history knows of its replicas."""

    backup: Backup
    replicas: tuple[ReplicationRecord, ...]


@require_GET
@page
def vault_list(request: PageRequest) -> HttpResponse:
    """Show the vaults that fit the filter."""
    if home := tables.home_of(request, VAULTS):
        return home
    now = timezone.now()
    form = VaultFilterForm(request.GET)
    sheet = tables.lay_out(request, VAULTS, form, _fitting(form), _rows)
    context = {
        "form": form,
        "sheet": sheet,
        "rows": sheet.rows,
        "has_vaults": bool(sheet.rows) or Vault.objects.exists(),
        "sources": fitting(form).sources().present().count() if can(request.user, Right.TRIGGER) else 0,
        "filter": write_filter(form),
        "inventory": statistics.inventory_health(now),
        "worker": statistics.worker_health(now),
        "may_refresh": can(request.user, Right.REFRESH_INVENTORY),
    }
    return render(request, "replication/vault_list.html", context)


@require_POST
@page
def vault_export(request: PageRequest) -> HttpResponseBase:
    """Send every vault that fits the filter as a file."""
    return exports.send(request, VAULTS, _fitting(VaultFilterForm(request.GET)), EXPORTED)


def _fitting(form: VaultFilterForm) -> QuerySet[Vault]:
    newest = Replication.objects.newest_first().values("requested_at")
    return (
        fitting(form)
        .select_related("project__region")
        .annotate(
            used_or_unknown=Coalesce("used_mb", -1),
            last_at=Coalesce(
                Subquery(newest.filter(source_vault=OuterRef("pk"))[:1]),
                Subquery(newest.filter(destination=OuterRef("pk"))[:1]),
                Value(datetime(1970, 1, 1, tzinfo=UTC), output_field=DateTimeField()),
            ),
        )
    )


def _rows(vaults: Iterable[Vault]) -> tuple[VaultRow, ...]:
    """Add what the list shows of each vault. Four queries."""
    listed = list(vaults)
    backups = dict(
        Backup.objects.present()
        .filter(vault__in=listed)
        .order_by()
        .values_list("vault")
        .annotate(found=Count("pk"))
    )
    last = _last_replications(listed)
    return tuple(
        VaultRow(vault, found := backups.get(vault.pk, 0), last.get(vault.pk), _obstacle(vault, found))
        for vault in listed
    )


def _last_replications(vaults: list[Vault]) -> dict[uuid.UUID, Row]:
    """Return for each vault the newest replication from it, or into it if it receives replicas."""
    newest = Replication.objects.newest_first().values("pk")
    chosen = dict(
        Vault.objects.filter(pk__in=[vault.pk for vault in vaults])
        .annotate(
            last=Case(
                When(
                    protect_type=Vault.REPLICATION,
                    then=Subquery(newest.filter(destination=OuterRef("pk"))[:1]),
                ),
                default=Subquery(newest.filter(source_vault=OuterRef("pk"))[:1]),
            )
        )
        .order_by()
        .values_list("pk", "last")
    )
    replications = with_both_ends(Replication.objects.filter(pk__in=[pk for pk in chosen.values() if pk]))
    rows = {row.replication.pk: row for row in rows_of(replications)}
    return {vault: rows[last] for vault, last in chosen.items() if last in rows}


def _obstacle(vault: Vault, backups: int) -> preflight.Finding | None:
    if vault.is_replication_vault:
        return preflight.judge_destination(vault, None)
    return judge_source(vault, backups)


@require_GET
@page
def vault_detail(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one vault, its backups, and the latest replications from it or into it."""
    now = timezone.now()
    vault = get_object_or_404(Vault.objects.select_related("project__region"), pk=pk)
    backups = vault.backups.present().order_by("-created_at", "backup_id")
    shown = Paginator(backups, _BACKUPS).get_page(request.GET.get("page"))
    involved = (
        Replication.objects.filter(destination=vault)
        if vault.is_replication_vault
        else Replication.objects.filter(source_vault=vault)
    )
    obstacle = _obstacle(vault, shown.paginator.count)
    context = {
        "vault": vault,
        "obstacle": obstacle,
        "offers_single": not (obstacle or vault.is_replication_vault) and can(request.user, Right.TRIGGER),
        "page": shown,
        "backups": _backup_rows(shown.object_list, vault),
        "replications": rows_of(with_both_ends(involved).order_by("-requested_at", "-id")[:_REPLICATIONS]),
        "inventory": statistics.inventory_health(now),
        "worker": statistics.worker_health(now),
        "now": now,
        "room": capacity.rows_of([vault], now)[0] if vault.is_replication_vault else None,
    }
    return render(request, "replication/vault_detail.html", context)


def _backup_rows(backups: Iterable[Backup], vault: Vault) -> tuple[BackupRow, ...]:
    """Add to each backup the replicas that our history knows of. One query."""
    listed = list(backups)
    replicas: defaultdict[str, list[ReplicationRecord]] = defaultdict(list)
    for record in (
        ReplicationRecord.objects.filter(
            replication__source_vault=vault, backup_id__in=[backup.backup_id for backup in listed]
        )
        .filter(status=RecordStatus.SUCCEEDED)
        .select_related("replication")
        .order_by("finished_at", "pk")
    ):
        replicas[record.backup_id].append(record)
    for backup in listed:
        backup.vault = vault
    return tuple(BackupRow(backup, tuple(replicas[backup.backup_id])) for backup in listed)
