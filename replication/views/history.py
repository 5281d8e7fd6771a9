"""All replications, newest first: filters, search and pages, with every state of it in the address."""

from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from replication.filters import HistoryFilterForm
from replication.models import Replication, ReplicationRecord

from . import exports, tables
from .access import PageRequest, page
from .rows import Row, recognise, rows_of, stamp, tokens, with_both_ends
from .searching import fitting
from .tables import Column, Table

REPLICATIONS = Table(
    code="replications",
    label=_("Replications"),
    page="replication-list",
    sort="-requested",
    columns=(
        Column("status", _("Status"), order=("status", "-requested_at", "-id")),
        Column(
            "replication",
            _("Replication"),
            order=("source_vault__name", "source_vault_id", "-requested_at", "-id"),
            is_fixed=True,
        ),
        Column(
            "region", _("To region"), order=("destination_region", "-requested_at", "-id"), is_usual=False
        ),
        Column("reason", _("Reason")),
        Column("backups", _("Backups"), css="number"),
        Column("requested", _("Requested"), order=("requested_at", "id"), is_descending=True),
        Column("changed", _("Changed"), order=("changed_at", "id"), is_descending=True, is_usual=False),
        Column("finished", _("Finished"), is_usual=False),
        Column("took", _("Took"), is_usual=False),
        Column("error", _("Error"), is_usual=False),
    ),
)


def _counting(**wanted: object) -> Coalesce:
    """Return how many records of a replication are so, for each row of a file."""
    records = (
        ReplicationRecord.objects.filter(replication=OuterRef("pk"), **wanted)
        .order_by()
        .values("replication")
        .annotate(found=Count("pk"))
        .values("found")
    )
    return Coalesce(Subquery(records), 0)


#: Columns of the file: those of the export for auditors, and how many backups it has and how far they are.
EXPORTED: exports.Fields = {
    **{
        name.replace("__", "."): name
        for name in (
            *("id", "status", "origin", "requested_at", "submitted_at", "finished_at", "changed_at"),
            *("actor__username", "reason"),
            *("source_region", "source_project_id", "vault_id", "source_vault__name"),
            *("destination_region", "destination_project_id", "destination_vault_id", "destination__name"),
            *("cloud_request_id", "error_code", "error_message"),
        )
    },
    "backups": _counting(),
    "backups_copied": _counting(status="succeeded"),
    "backups_arrived": _counting(arrived_at__isnull=False),
}


@require_GET
@page
def replication_list(request: PageRequest) -> HttpResponse:
    """Show one page of the replications that fit the filter."""
    if home := tables.home_of(request, REPLICATIONS):
        return home
    context = _context(request, request.GET)
    context["has_any"] = bool(context["sheet"].rows) or Replication.objects.exists()
    return render(request, "replication/replication_list.html", context)


@require_GET
@page
def replication_rows(request: PageRequest) -> HttpResponse:
    """Answer a poll of the front page: its rows, or nothing at all if they look the same."""
    address = QueryDict(mutable=True)
    for name in ("size", "columns"):
        if name in request.GET:
            address[name] = request.GET[name]
    form = HistoryFilterForm(address)
    form.is_valid()
    front = Replication.objects.newest_first().only("pk", "version", "status", "changed_at")
    if request.GET.get("version") == stamp(front[: form.page_size], timezone.now()):
        return HttpResponse(status=204)
    return render(
        request,
        "replication/_replication_rows.html",
        {**_context(request, address, request.GET.get("known", "")), "has_any": True},
    )


@require_POST
@page
def replication_export(request: PageRequest) -> HttpResponseBase:
    """Send every replication that fits the filter as a file."""
    form = HistoryFilterForm(request.GET)
    form.is_valid()
    return exports.send(request, REPLICATIONS, fitting(form.cleaned_data), EXPORTED)


def _context(request: PageRequest, address: QueryDict, known: str = "") -> dict[str, Any]:
    form = HistoryFilterForm(address)
    form.is_valid()
    matching: QuerySet[Replication] = with_both_ends(fitting(form.cleaned_data))
    now = timezone.now()
    sheet = tables.lay_out(
        request,
        REPLICATIONS,
        form,
        matching,
        lambda found: recognise(rows_of(found), known, now),
        address=address,
    )
    rows: tuple[Row, ...] = sheet.rows
    may_change = sheet.is_front and any(row.replication.may_change for row in rows)
    return {
        "form": form,
        "sheet": sheet,
        # Asked for again only where it is the front, and something on it may still change.
        "polls": may_change,
        "stamp": stamp((row.replication for row in rows), now) if may_change else "",
        "known": tokens(rows, now) if may_change else "",
    }
