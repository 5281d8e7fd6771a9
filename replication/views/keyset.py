"""Cutting one page out of a list of any length by where the last page ended, instead of by counting what it skips.

The last page therefore costs what the first one does, and rows that arrive meanwhile move nothing. Knows no table in
particular.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.core import signing
from django.db.models import Model, Q, QuerySet

_Row = TypeVar("_Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Cut(Generic[_Row]):
    """A page of rows, and the cursors that lead to its neighbours; empty where there is none."""

    rows: tuple[_Row, ...]
    previous: str
    next: str


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a list: lookups as `order_by` takes them.

    No lookup may be null, and the last one is unique, so that every row has one place. Rows need what a lookup follows
    (`source_vault__name`) to be fetched with them.
    """

    lookups: tuple[str, ...]

    def reversed(self) -> "Order":
        """Return the same order from the other end."""
        return Order(tuple(one[1:] if one.startswith("-") else f"-{one}" for one in self.lookups))

    def cursor(self, row: Model) -> str:
        """Return the place of a row, for an address. It is signed, so that what comes back can be taken as it is."""
        return signing.dumps(
            [_plain(_value(row, one.removeprefix("-"))) for one in self.lookups], salt=self._salt
        )

    def place(self, cursor: str) -> list[Any] | None:
        """Return the values that a cursor stands for; null if it is none of this order."""
        if not cursor:
            return None
        try:
            values: list[Any] = signing.loads(cursor, salt=self._salt)
        except (signing.BadSignature, ValueError):
            return None
        return values

    def beyond(self, values: Sequence[Any]) -> Q:
        """Return the condition for whatever comes after these values."""
        condition = Q()
        for lookup, value in reversed(tuple(zip(self.lookups, values, strict=True))):
            name = lookup.removeprefix("-")
            further = Q(**{f"{name}__{'lt' if lookup.startswith('-') else 'gt'}": value})
            condition = further | (Q(**{name: value}) & condition) if condition else further
        # Implied by the rest, and what an index on the first lookup begins with.
        first = self.lookups[0]
        bound = Q(**{f"{first.removeprefix('-')}__{'lte' if first.startswith('-') else 'gte'}": values[0]})
        return bound & condition

    @property
    def _salt(self) -> str:
        return "place in " + " ".join(self.lookups)


def cut(rows: QuerySet[_Row], order: Order, *, size: int, before: str = "", after: str = "") -> Cut[_Row]:
    """Cut out the `size` rows that follow the cursor `before`, or precede the cursor `after`, or are the first of all.

    `before` and `after` speak of time, since most lists begin with the newest. A cursor that is none means the first page.
    """
    if edge := order.place(after):
        backwards = order.reversed()
        found = list(rows.filter(backwards.beyond(edge)).order_by(*backwards.lookups)[: size + 1])
        if len(found) > size:
            return _cut(found[:size][::-1], order, previous=True, next=True)
        # Fewer than a page precede: that is the first page, and it is shown whole.
    elif edge := order.place(before):
        found = list(rows.filter(order.beyond(edge)).order_by(*order.lookups)[: size + 1])
        return _cut(found[:size], order, previous=True, next=len(found) > size)
    found = list(rows.order_by(*order.lookups)[: size + 1])
    return _cut(found[:size], order, previous=False, next=len(found) > size)


def _cut(found: list[_Row], order: Order, *, previous: bool, next: bool) -> Cut[_Row]:  # noqa: A002  # as the neighbour is called
    return Cut(
        rows=tuple(found),
        previous=order.cursor(found[0]) if previous and found else "",
        next=order.cursor(found[-1]) if next and found else "",
    )


def _value(row: Model, lookup: str) -> Any:
    value: Any = row
    for part in lookup.split("__"):
        value = getattr(value, part)
    return value


def _plain(value: Any) -> Any:
    """Return what JSON can carry and the database takes back."""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
