"""All replications, newest first: filters, search and pages, with every state of it in the address."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from replication.forms import HistoryFilterForm
from replication.models import Replication

from .access import PageRequest, page
from .rows import Row, rows_of, stamp, with_both_ends
from .searching import Cut, cut, fitting

#: Beyond this the page says "more than", since counting a million rows helps nobody.
COUNTED = 1000


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page of the list and the addresses of its neighbours, empty where there is none."""

    rows: tuple[Row, ...]
    #: How many fit the filter in all; null when there are more than `COUNTED`.
    total: int | None
    newer: str
    older: str
    #: Whether it begins with the newest of all, so that it is kept up to date.
    is_front: bool
    version: str

    @property
    def polls(self) -> bool:
        """Whether it should be asked for again: it is the front, and something on it may still change."""
        return self.is_front and any(row.replication.may_change for row in self.rows)


@require_GET
@page
def replication_list(request: PageRequest) -> HttpResponse:
    """Show one page of the replications that fit the filter."""
    form = HistoryFilterForm(request.GET)
    form.is_valid()
    context = {
        "form": form,
        "sheet": _sheet(form, request.GET, timezone.now()),
        "counted": COUNTED,
        "has_any": Replication.objects.exists(),
    }
    return render(request, "replication/replication_list.html", context)


@require_GET
@page
def replication_rows(request: PageRequest) -> HttpResponse:
    """Answer a poll of the front page: its rows, or nothing at all if they look the same."""
    now = timezone.now()
    address = QueryDict(mutable=True)
    if "size" in request.GET:
        address["size"] = request.GET["size"]
    form = HistoryFilterForm(address)
    form.is_valid()
    front = Replication.objects.newest_first().only("pk", "version", "status", "changed_at")
    if request.GET.get("version") == stamp(front[: form.page_size], now):
        return HttpResponse(status=204)
    context = {"form": form, "sheet": _sheet(form, address, now), "counted": COUNTED, "has_any": True}
    return render(request, "replication/_replication_rows.html", context)


def _sheet(form: HistoryFilterForm, address: QueryDict, now: datetime) -> Sheet:
    """Cut one page out of what fits."""
    matching = fitting(form.cleaned_data)
    piece = cut(
        with_both_ends(matching),
        size=form.page_size,
        before=address.get("before", ""),
        after=address.get("after", ""),
    )
    is_front = not piece.newer and not form.is_narrowed
    return Sheet(
        rows=rows_of(piece.replications),
        total=_total(matching, piece),
        newer=_address(address, after=piece.newer),
        older=_address(address, before=piece.older),
        is_front=is_front,
        version=stamp(piece.replications, now) if is_front else "",
    )


def _total(matching: QuerySet[Replication], piece: Cut) -> int | None:
    if not piece.newer and not piece.older:
        return len(piece.replications)
    counted = matching.order_by()[: COUNTED + 1].count()
    return counted if counted <= COUNTED else None


def _address(address: QueryDict, **cursor: str) -> str:
    """Return the query string that leads to a neighbour and keeps the filter; empty for no neighbour."""
    if not any(cursor.values()):
        return ""
    kept = address.copy()
    for name in ("before", "after"):
        kept.pop(name, None)
    kept.update(cursor)
    return f"?{kept.urlencode()}"
