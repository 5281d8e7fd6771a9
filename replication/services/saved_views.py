"""Keeps filters under names, shares them, and remembers how each person wants a list.

A view belongs to who made it. Whoever may see lists may use a shared one; only its owner or an administrator changes it, and
the audit says so. How a person looks at lists is nobody else's concern, and leaves no trace there.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from replication.models import AuditAction, SavedView, TablePreference
from replication.roles import NotPermitted, Right, can, require

from . import audit
from .spreadsheet import Delimiter

#: A person needs a handful; this only keeps a program from filling the table.
MOST_VIEWS = 100


class NameTaken(Exception):
    """The person has a view of this name already. Nothing was changed."""


class TooManyViews(Exception):
    """The person has as many views as anybody may have. Nothing was changed."""


def may_change(person: User, view: SavedView) -> bool:
    """Return whether the person owns the view, or may change what others have shared."""
    return view.owner_id == person.pk or (view.is_shared and can(person, Right.CURATE_VIEWS))


def save_view(
    *, actor: User, table: str, name: str, query: str, is_shared: bool, now: datetime, request_id: str = ""
) -> SavedView:
    """Keep a filter under a name.

    Raises:
        NotPermitted: the actor may not see lists.
        NameTaken: the actor has a view of this name for this list.
        TooManyViews: the actor has `MOST_VIEWS` of them.
    """
    require(actor, Right.VIEW)
    with _named_once():
        if SavedView.objects.filter(owner=actor).count() >= MOST_VIEWS:
            raise TooManyViews
        view = SavedView.objects.create(
            owner=actor, table=table, name=name, query=query, is_shared=is_shared, changed_at=now
        )
        _write_down(AuditAction.VIEW_SAVED, view, actor, now, request_id)
    return view


def change_view(
    *, actor: User, view: SavedView, name: str, is_shared: bool, now: datetime, request_id: str = ""
) -> None:
    """Rename a view, or share it, or stop sharing it.

    Raises:
        NotPermitted: it is somebody else's, and the actor is no administrator or it is not shared.
        NameTaken: its owner has another view of this name for this list.
    """
    _require_change(actor, view)
    with _named_once():
        chosen = SavedView.objects.filter(pk=view.pk, owner=view.owner_id, is_shared=view.is_shared)
        changed = chosen.update(name=name, is_shared=is_shared, changed_at=now)
        if changed != 1:
            # Meanwhile deleted, or no longer shared: what was allowed a moment ago may not be any more.
            raise NotPermitted(Right.CURATE_VIEWS)
        view.name, view.is_shared = name, is_shared
        _write_down(AuditAction.VIEW_SAVED, view, actor, now, request_id)


def delete_view(*, actor: User, view: SavedView, now: datetime, request_id: str = "") -> None:
    """Delete a view. Whoever has it as the default sees the whole list again.

    Raises:
        NotPermitted: it is somebody else's, and the actor is no administrator or it is not shared.
    """
    _require_change(actor, view)
    with transaction.atomic(durable=True):
        _write_down(AuditAction.VIEW_DELETED, view, actor, now, request_id)
        chosen = SavedView.objects.filter(pk=view.pk, owner=view.owner_id, is_shared=view.is_shared)
        if not chosen.delete()[1].get("replication.SavedView"):
            raise NotPermitted(Right.CURATE_VIEWS)


def choose_default(*, person: User, table: str, view: SavedView | None) -> None:
    """Remember what the list shows the person when nothing is asked for; null for everything.

    Raises:
        NotPermitted: the view is somebody else's and not shared.
    """
    require(person, Right.VIEW)
    if view and not (view.owner_id == person.pk or view.is_shared):
        raise NotPermitted(Right.CURATE_VIEWS)
    TablePreference.objects.update_or_create(user=person, table=table, defaults={"default_view": view})


def choose_columns(*, person: User, table: str, columns: Sequence[str]) -> None:
    """Remember which columns the person wants to see in a list; none for the usual ones."""
    require(person, Right.VIEW)
    TablePreference.objects.update_or_create(
        user=person, table=table, defaults={"columns": ",".join(columns)}
    )


def choose_delimiter(*, person: User, table: str, delimiter: Delimiter) -> None:
    """Remember what stands between the cells of the person's CSV files of a list. No query changes if it is known."""
    require(person, Right.VIEW)
    if not TablePreference.objects.filter(user=person, table=table, delimiter=delimiter).exists():
        TablePreference.objects.update_or_create(user=person, table=table, defaults={"delimiter": delimiter})


def preference(person: User, table: str) -> TablePreference:
    """Return how the person wants a list; an unsaved row if that was never said. One query."""
    found = TablePreference.objects.select_related("default_view").filter(user=person, table=table).first()
    return found or TablePreference(user=person, table=table)


@contextmanager
def _named_once() -> Iterator[None]:
    """Open a durable transaction in which a second view of the same name becomes `NameTaken`."""
    try:
        with transaction.atomic(durable=True):
            yield
    except IntegrityError as taken:
        raise NameTaken from taken


def _require_change(actor: User, view: SavedView) -> None:
    if not may_change(actor, view):
        raise NotPermitted(Right.CURATE_VIEWS)
    require(actor, Right.VIEW)


def _write_down(action: AuditAction, view: SavedView, actor: User, now: datetime, request_id: str) -> None:
    audit.record(
        action,
        now=now,
        actor=actor,
        request_id=request_id,
        list=view.table,
        name=view.name,
        filter=view.query,
        shared=view.is_shared,
    )
