"""How people keep lists: saved views with their page, the view that a list begins with, and its columns.

Needs no script: everything is a form and a redirect.
"""

import uuid
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from replication.models import SavedView
from replication.services import saved_views

from . import tables
from .access import PageRequest, page, see_other
from .history import REPLICATIONS
from .records import RECORDS
from .tables import EVERYTHING, Table
from .vaults import VAULTS

#: Every list whose columns can be chosen; those with a page of their own have saved views as well.
TABLES = {one.code: one for one in (REPLICATIONS, RECORDS, VAULTS)}


class ViewForm(forms.Form):
    """A saved view: its name, and whether everybody sees it."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=80, widget=forms.TextInput({"class": "form-control"})
    )
    is_shared = forms.BooleanField(
        label=gettext_lazy("Share it with everybody who may see the list"),
        required=False,
        widget=forms.CheckboxInput({"class": "form-check-input"}),
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """A saved view on its page: its address, the form that changes it, and whether the reader may."""

    view: SavedView
    address: str
    form: ViewForm
    is_default: bool
    may_change: bool


@require_http_methods(["GET", "HEAD", "POST"])
@page
def view_list(request: PageRequest, table: str) -> HttpResponse:
    """Show the saved views of a list, and the form that keeps what the address asks for under a name; take that form."""
    listed = _table_with_views(table)
    query = tables.query_worth_keeping(request.GET)[:2000]
    form = ViewForm(request.POST if request.method == "POST" else None, auto_id="new_%s")
    if request.method == "POST" and form.is_valid():
        try:
            saved_views.save_view(
                actor=request.user,
                table=listed.code,
                name=form.cleaned_data["name"],
                query=query,
                is_shared=form.cleaned_data["is_shared"],
                now=timezone.now(),
                request_id=request.request_id,
            )
        except saved_views.NameTaken:
            form.add_error("name", _("You have a view of this name already. Give it another one."))
        except saved_views.TooManyViews:
            form.add_error(None, _("You have as many views as anybody may have. Delete one first."))
        else:
            return see_other(_address(listed, query))
    return _show(request, listed, query, form)


@require_POST
@page
def view_change(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Rename a view, or share it, or stop sharing it."""
    view = _usable(request, pk)
    listed = _table_with_views(view.table)
    form = ViewForm(request.POST)
    if form.is_valid():
        try:
            saved_views.change_view(
                actor=request.user,
                view=view,
                name=form.cleaned_data["name"],
                is_shared=form.cleaned_data["is_shared"],
                now=timezone.now(),
                request_id=request.request_id,
            )
        except saved_views.NameTaken:
            messages.error(request, _("There is a view of this name already, so nothing was changed."))
    else:
        messages.error(request, _("A view needs a name of at most 80 characters, so nothing was changed."))
    return see_other(reverse("saved-view-list", args=[listed.code]))


@require_POST
@page
def view_delete(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Delete a view."""
    view = _usable(request, pk)
    saved_views.delete_view(actor=request.user, view=view, now=timezone.now(), request_id=request.request_id)
    return see_other(reverse("saved-view-list", args=[view.table]))


@require_POST
@page
def default(request: PageRequest, table: str) -> HttpResponse:
    """Remember what a list begins with: the view that the form names, or everything."""
    listed = _table_with_views(table)
    wanted = request.POST.get("view", "")
    view = _usable(request, _uuid(wanted)) if wanted else None
    if view and view.table != listed.code:
        raise Http404
    saved_views.choose_default(person=request.user, table=listed.code, view=view)
    return see_other(reverse("saved-view-list", args=[listed.code]))


@require_POST
@page
def columns(request: PageRequest, table: str) -> HttpResponse:
    """Remember the columns that the form names, and go back to the list with them in its address."""
    listed = _table(table)
    chosen = () if "usual" in request.POST else listed.chosen(request.POST.getlist("column"))
    saved_views.choose_columns(person=request.user, table=listed.code, columns=chosen)
    path, _mark, query = request.POST.get("next", "").partition("?")
    if not url_has_allowed_host_and_scheme(path, allowed_hosts=None) or not path.startswith("/"):
        path = reverse(listed.page) if listed.page else reverse("overview")
    address = QueryDict(query, mutable=True)
    address.pop("columns", None)
    if chosen:
        address["columns"] = ",".join(chosen)
    # Without an address the default view would take over, and with it its columns.
    return see_other(f"{path}?{address.urlencode() or f'{EVERYTHING}=1'}")


def _show(request: PageRequest, table: Table, query: str, form: ViewForm) -> HttpResponse:
    chosen = tables.usable_default(request.user, saved_views.preference(request.user, table.code))
    entries = [
        Entry(
            view,
            _address(table, view.query),
            ViewForm(initial={"name": view.name, "is_shared": view.is_shared}, auto_id=f"{view.pk}_%s"),
            chosen is not None and view.pk == chosen.pk,
            saved_views.may_change(request.user, view),
        )
        for view in SavedView.objects.filter(table=table.code).usable_by(request.user)
    ]
    context = {
        "table": table,
        "query": query,
        "list_address": _address(table, query),
        "form": form,
        "mine": [one for one in entries if one.view.owner_id == request.user.pk],
        "shared": [one for one in entries if one.view.owner_id != request.user.pk],
        "has_default": chosen is not None,
    }
    return render(request, "replication/saved_views.html", context)


def _address(table: Table, query: str) -> str:
    return f"{reverse(table.page)}?{query or f'{EVERYTHING}=1'}"


def _table(code: str) -> Table:
    if code not in TABLES:
        raise Http404
    return TABLES[code]


def _table_with_views(code: str) -> Table:
    table = _table(code)
    if not table.page:
        raise Http404
    return table


def _usable(request: PageRequest, pk: uuid.UUID | None) -> SavedView:
    return get_object_or_404(SavedView.objects.usable_by(request.user), pk=pk)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
