"""What every list has: order, pages, columns, the filter in words, saved views, all of it in the address.

A list is a `Table`, a filter form and a queryset; `lay_out` makes of them the `Sheet` that the templates
`_filters.html`, `_table_head.html` and `_table_foot.html` show. Decides nothing about what a row shows.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import get_language

from replication.filters import FilterForm
from replication.models import SavedView, TablePreference
from replication.services import saved_views
from replication.services.spreadsheet import Delimiter

from .access import PageRequest
from .keyset import Cut, Order, cut

#: Beyond this the page says "more than": an exact number of that size helps nobody, and costs a walk through all rows.
COUNTED = 10_000

#: Parameters that say where in the list one is; everything else of an address is worth keeping.
_PLACES = ("before", "after")
#: Asks for the whole list in spite of a default view.
EVERYTHING = "everything"

_Row = TypeVar("_Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its code in addresses and files, its heading, and the order that it can bring the list into."""

    code: str
    label: Promise | str
    #: Lookups of the ascending order, the last one unique, none of them null (`keyset.Order`); empty: no order by it.
    order: tuple[str, ...] = ()
    #: Whether the first click brings the largest to the top, as one wants it of times.
    is_descending: bool = False
    #: Whether the row cannot be told without it.
    is_fixed: bool = False
    #: Whether it is shown to those who have not chosen.
    is_usual: bool = True
    css: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A list: its code, its columns, and the order that it comes in."""

    code: str
    columns: tuple[Column, ...]
    #: Code of a column, with a minus for descending.
    sort: str
    #: Name of its page, for saved views; empty where the page belongs to something else.
    page: str = ""
    #: What it holds, in the plural.
    label: Promise | str = ""

    def order_of(self, sort: str) -> Order | None:
        """Return the order that an address asks for; null if there is no such column."""
        for column in self.columns:
            if column.code == sort.removeprefix("-") and column.order:
                order = Order(column.order)
                return order.reversed() if sort.startswith("-") else order
        return None

    def chosen(self, codes: Iterable[str]) -> tuple[str, ...]:
        """Return the known ones of some columns, in the order of the table; empty if none of them can be chosen."""
        wanted = set(codes)
        return tuple(one.code for one in self.columns if one.code in wanted and not one.is_fixed)


@dataclass(frozen=True, slots=True)
class Head:
    """A shown column with the address that sorts by it, and how the list is sorted by it now (for `aria-sort`)."""

    column: Column
    address: str
    direction: str


@dataclass(frozen=True, slots=True)
class Chip:
    """Something that was asked for, in words, and the address without it."""

    label: str
    value: str
    address: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose from a menu."""

    value: str
    label: Promise | str
    is_chosen: bool
    #: Whether it stands for a descending order.
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class ViewLink:
    """A saved view, its address, and whether it is what the page shows."""

    view: SavedView
    address: str
    is_current: bool
    is_default: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page of a list with all that surrounds it."""

    table: Table
    rows: tuple[Any, ...]
    #: How many fit the filter in all; null when there are more than `counted`.
    total: int | None
    counted: int
    #: Addresses of the neighbours; empty where there is none.
    previous: str
    next: str
    heads: tuple[Head, ...]
    chips: tuple[Chip, ...]
    views: tuple[ViewLink, ...]
    orders: tuple[Choice, ...]
    columns: tuple[Choice, ...]
    shown: frozenset[str]
    #: Columns as the address asks for them; empty if it does not.
    asked_columns: str
    #: The address without page, as a query string with its question mark, or empty.
    address: str
    #: Where no filter is left.
    clear: str
    delimiter: str
    #: Whether it begins with the first row of the whole list in its usual order.
    is_front: bool

    @property
    def needs_view_page(self) -> bool:
        """Whether its views can be saved."""
        return bool(self.table.page)


def lay_out(
    request: PageRequest,
    table: Table,
    form: FilterForm,
    matching: QuerySet[_Row],
    build: Callable[[tuple[_Row, ...]], tuple[Any, ...]],
    *,
    address: QueryDict | None = None,
) -> Sheet:
    """Cut out the page that the address asks for. Besides what `build` needs: four queries.

    Args:
        request: of the page.
        table: the list.
        form: a validated filter form.
        matching: what fits the filter, in any order, with everything fetched that `build` and the order look at.
        build: makes what the template shows out of a page of rows.
        address: the address to answer, if it is not the request's own.
    """
    address = request.GET if address is None else address
    wanted = saved_views.preference(request.user, table.code)
    sort = address.get("sort", "")
    order = table.order_of(sort)
    if order is None:
        sort, order = table.sort, _usual_order(table)
    piece = cut(
        matching,
        order,
        size=form.page_size,
        before=address.get("before", ""),
        after=address.get("after", ""),
    )
    asked = table.chosen(address.get("columns", "").split(","))
    shown = _shown(table, asked or table.chosen(wanted.columns.split(",")))
    default = usable_default(request.user, wanted)
    clear = f"?{EVERYTHING}=1" if default else ""
    return Sheet(
        table=table,
        rows=build(piece.rows),
        total=_total(matching, piece),
        counted=COUNTED,
        previous=_with(address, after=piece.previous) if piece.previous else "",
        next=_with(address, before=piece.next) if piece.next else "",
        heads=tuple(_head(one, sort, address) for one in table.columns if one.code in shown),
        chips=tuple(
            Chip(told.label, told.value, _with(address, **{told.name: ""}) or clear or "?")
            for told in form.told()
        ),
        views=_views(request.user, table, address, default),
        orders=tuple(_orders(table, sort)),
        columns=tuple(
            Choice(one.code, one.label, one.code in shown) for one in table.columns if not one.is_fixed
        ),
        shown=shown,
        asked_columns=",".join(asked),
        address=_with(address),
        clear=clear,
        delimiter=delimiter_of(wanted),
        is_front=not piece.previous and not form.is_narrowed and sort == table.sort,
    )


def home_of(request: PageRequest, table: Table) -> HttpResponse | None:
    """Return the way to the person's default view of a list, if there is one and the address asks for nothing."""
    if request.GET:
        return None
    default = usable_default(request.user, saved_views.preference(request.user, table.code))
    if default is None or not default.query:
        return None
    return HttpResponseRedirect(f"{reverse(table.page)}?{default.query}")


def usable_default(user: User, wanted: TablePreference) -> SavedView | None:
    """Return the default view; null if its owner has stopped sharing it."""
    view = wanted.default_view
    return view if view and (view.owner_id == user.pk or view.is_shared) else None


def delimiter_of(wanted: TablePreference) -> Delimiter:
    """Return what stands between cells: as chosen, else as spreadsheets in the reader's language expect it."""
    if wanted.delimiter in tuple(Delimiter):
        return Delimiter(wanted.delimiter)
    return Delimiter.SEMICOLON if (get_language() or "").startswith("de") else Delimiter.COMMA


def order_of(request: HttpRequest, table: Table) -> Order:
    """Return the order that an address asks for, or the usual one."""
    return table.order_of(request.GET.get("sort", "")) or _usual_order(table)


def query_worth_keeping(address: QueryDict) -> str:
    """Return an address as a saved view holds it: without its place in the list, and without what is empty."""
    return _with(address).removeprefix("?")


def _usual_order(table: Table) -> Order:
    order = table.order_of(table.sort)
    if order is None:
        raise ValueError(f"{table.code} has no column for its usual order")
    return order


def _shown(table: Table, chosen: tuple[str, ...]) -> frozenset[str]:
    return frozenset(
        one.code for one in table.columns if one.is_fixed or (one.code in chosen if chosen else one.is_usual)
    )


def _total(matching: QuerySet[_Row], piece: Cut[_Row]) -> int | None:
    if not piece.previous and not piece.next:
        return len(piece.rows)
    found = matching.order_by()[: COUNTED + 1].count()
    return found if found <= COUNTED else None


def _with(address: QueryDict, **changes: str) -> str:
    """Return the query string with changes and without its place; what is empty is left out."""
    kept = QueryDict(mutable=True)
    for name, values in address.lists():
        if name not in changes and name not in _PLACES and name != EVERYTHING:
            kept.setlist(name, [value for value in values if value])
    kept.update({name: value for name, value in changes.items() if value})
    text = kept.urlencode()
    return f"?{text}" if text else ""


def _head(column: Column, sort: str, address: QueryDict) -> Head:
    if not column.order:
        return Head(column, "", "")
    is_sorted = sort.removeprefix("-") == column.code
    descends = sort.startswith("-")
    goes_down = not descends if is_sorted else column.is_descending
    return Head(
        column,
        _with(address, sort=f"-{column.code}" if goes_down else column.code),
        ("descending" if descends else "ascending") if is_sorted else "",
    )


def _orders(table: Table, sort: str) -> Iterable[Choice]:
    for column in table.columns:
        if column.order:
            for value in (
                (f"-{column.code}", column.code) if column.is_descending else (column.code, f"-{column.code}")
            ):
                yield Choice(value, column.label, value == sort, value.startswith("-"))


def _views(user: User, table: Table, address: QueryDict, default: SavedView | None) -> tuple[ViewLink, ...]:
    if not table.page:
        return ()
    current = query_worth_keeping(address)
    return tuple(
        ViewLink(
            view,
            f"?{view.query}" if view.query else f"?{EVERYTHING}=1",
            view.query == current,
            default is not None and view.pk == default.pk,
        )
        for view in SavedView.objects.filter(table=table.code).usable_by(user)
    )
