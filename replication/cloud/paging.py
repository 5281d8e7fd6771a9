"""Reads a list that the cloud hands out in pages, to its end, although it may change while it is read.

Pages are counted in items, so an item that is deleted in front moves the others across the boundary between two
pages, where nobody would see them. Therefore each page overlaps the one before by an item. It knows neither addresses
nor what the items are.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from .errors import Unreadable

logger = logging.getLogger("replication.cloud")

#: API: ListVaults, ListBackups, ListOpLogs: the largest limit that is documented.
PAGE_SIZE = 1000
#: No list of a project is as long as that; a server that never ends is.
MOST_PAGES = 500


class HasId(Protocol):
    """Something that can be told from its neighbours."""

    @property
    def id(self) -> str:
        """The cloud's id, unique in its list."""


Item = TypeVar("Item", bound=HasId)


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A part of a list, and how long the server says that the list is; none when it does not say."""

    items: tuple[Item, ...]
    count: int | None


def read_all(
    fetch: Callable[[int], Page[Item]], *, page_size: int = PAGE_SIZE, most_pages: int = MOST_PAGES
) -> tuple[Item, ...]:
    """Return every item of the list, each once, as it was when last seen.

    As long as the server keeps the order of its items, an item that existed during the whole reading is among them;
    one that came or went meanwhile may be. That rests on one rule: a page counts only if it begins with an item that
    is known already, or with the start of the list. Otherwise the list has moved, and the reading steps back.

    Args:
        fetch: Asks for the page that begins at an offset, counted in items.
        page_size: How many items are asked for, at least two, so that pages can overlap.
        most_pages: After how many pages a list that does not end is given up.

    Raises:
        Unreadable: the server repeats a page, or the list does not come to rest.
    """
    if page_size < 2:
        raise ValueError("pages of one item cannot overlap")
    found: dict[str, Item] = {}
    before: list[str] = []
    offset = repeats = 0
    for _ in range(most_pages):
        page = fetch(offset)
        ids = [item.id for item in page.items]
        if offset and (not ids or ids[0] not in found):
            offset = max(0, offset - page_size)
            # What is read again now is no sign of a server that repeats itself.
            before, repeats = [], 0
            continue
        found.update(zip(ids, page.items, strict=True))
        end = offset + len(ids)
        repeats = repeats + 1 if ids == before and len(ids) > 1 else 0
        # Once may be chance: as many items may have come in front as a page is long.
        if repeats > 1:
            raise Unreadable("The list cannot be read: the cloud answers every offset with the same page.")
        # That nothing was new is no sign of the end: after a step back the known part is read again.
        is_told = page.count is not None and end >= page.count and len(ids) < page_size and not repeats
        if len(ids) < 2 or is_told:
            if page.count is not None and end < page.count:
                logger.warning("a list ends after %d items, though it is said to have %d", end, page.count)
            return tuple(found.values())
        before = ids
        offset = max(end - 1, 0)
    raise Unreadable(f"The list cannot be read: it did not end within {most_pages} pages.")
