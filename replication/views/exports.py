"""A list as a file: every row that fits the filter, from all pages, streamed as CSV or JSON.

The same rows in the same order as the page shows them. An export is written down before its first row leaves.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils import timezone

from replication.models import AuditAction
from replication.services import audit, saved_views
from replication.services.spreadsheet import Delimiter, csv_lines, in_pieces, json_lines

from .access import PageRequest
from .tables import Table, delimiter_of, order_of

#: Rows that are in memory at one time.
_CHUNK = 1000

#: Code of each column of a file, which is English and never changes, and the lookup or expression behind it.
Fields = Mapping[str, str | Combinable]


def send(request: PageRequest, table: Table, matching: QuerySet[Any], fields: Fields) -> HttpResponseBase:
    """Send what fits the filter as the file that the form asks for, and write down that it left.

    Form fields: `format` is csv or json, `delimiter` a value of `Delimiter`, which is remembered. Three queries, however
    many rows there are, and one more where the database keeps a cursor.
    """
    now = timezone.now()
    is_json = request.POST.get("format") == "json"
    delimiter = _delimiter(request, table)
    # Before the first row leaves: an export that could not be written down must not happen.
    audit.record(
        AuditAction.EXPORTED,
        now=now,
        actor=request.user,
        request_id=request.request_id,
        model=matching.model._meta.label_lower,  # noqa: SLF001  # its documented name
        filter=request.META.get("QUERY_STRING", "")[:1000],
        rows=matching.order_by().count(),
    )
    rows = _rows(matching.order_by(*order_of(request, table).lookups), fields)
    codes = tuple(fields)
    lines = json_lines(codes, rows) if is_json else csv_lines(codes, rows, delimiter)
    kind = "json" if is_json else "csv"
    return StreamingHttpResponse(
        in_pieces(lines),
        content_type="application/json" if is_json else "text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{table.code}-{now:%Y%m%dT%H%M%SZ}.{kind}"'},
    )


def _delimiter(request: PageRequest, table: Table) -> Delimiter:
    wished = request.POST.get("delimiter", "")
    if wished in tuple(Delimiter):
        saved_views.choose_delimiter(person=request.user, table=table.code, delimiter=Delimiter(wished))
        return Delimiter(wished)
    return delimiter_of(saved_views.preference(request.user, table.code))


def _rows(matching: QuerySet[Any], fields: Fields) -> Iterator[tuple[object, ...]]:
    expressions = {f"export_{code}": one for code, one in fields.items() if not isinstance(one, str)}
    names = [one if isinstance(one, str) else f"export_{code}" for code, one in fields.items()]
    rows: QuerySet[Any, tuple[object, ...]] = matching.annotate(**expressions).values_list(*names)
    return rows.iterator(chunk_size=_CHUNK)
