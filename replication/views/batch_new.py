"""Asking for many replications at once: where to, one last look at all of them, and the request itself.

Vaults and destination stand in the address, so that reloading and going back show the same. What is confirmed is what was
shown: the form carries each vault with it, and not the filter that found them.
"""

import uuid
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import replace_url

from replication.forms import BatchForm, ReasonForm
from replication.models import Batch
from replication.roles import Right, require
from replication.services import batches, statistics
from replication.services.batches import MOST_VAULTS, BatchWish, Plan
from replication.services.preflight import Destination

from .access import PageRequest, page, see_other
from .selecting import Seen, Selection, write_seen

#: Every field of an address that is about the destination.
_CHOSEN = (*BatchForm.CHOSEN, *BatchForm.TYPED, "auto_trigger")


@dataclass(frozen=True, slots=True)
class LastLook:
    """What the last look before sending shows."""

    plan: Plan
    #: The batch that this key has made already.
    made: Batch | None
    #: Whether something else would happen than was shown before.
    has_changed: bool = False

    @property
    def can_be_sent(self) -> bool:
        """Whether the button is offered."""
        return bool(self.plan.going) and not self.made

    @property
    def seen(self) -> str:
        """What is shown, for the form."""
        return write_seen(self.plan)


@require_GET
@page
def choose(request: PageRequest) -> HttpResponse:
    """Show which vaults are chosen, and ask where they are to go."""
    require(request.user, Right.TRIGGER)
    selection = Selection.read(request.GET)
    wanted = _destination_in(request.GET) | {"key": uuid.uuid4()}
    return _choices(request, selection, BatchForm(initial=wanted, sources=selection.vaults))


def _choices(request: PageRequest, selection: Selection, form: BatchForm) -> HttpResponse:
    now = timezone.now()
    context = {
        "selection": selection,
        "form": form,
        "fields_url": reverse("batch-destination-fields"),
        "most": MOST_VAULTS,
        "back": _vault_list(selection),
        "inventory": statistics.inventory_health(now),
        "worker": statistics.worker_health(now),
    }
    return render(request, "replication/batch_new.html", context)


@require_GET
@page
def destination_fields(request: PageRequest) -> HttpResponse:
    """Answer a change of one choice: the menus that follow from it, and the address that keeps it."""
    require(request.user, Right.TRIGGER)
    selection = Selection.read(request.GET)
    form = BatchForm(initial=_destination_in(request.GET), sources=selection.vaults)
    context = {"form": form, "fields_url": reverse("batch-destination-fields")}
    response = render(request, "replication/_destination_fields.html", context)
    return replace_url(response, _address("batch-new", request.GET, selection))


@require_http_methods(["GET", "HEAD", "POST"])
@page
def review(request: PageRequest) -> HttpResponse:
    """Show what would happen to all of them; as the answer to a POST, make it so."""
    require(request.user, Right.TRIGGER)
    selection = Selection.read(request.GET)
    form = BatchForm(_destination_in(request.GET), sources=selection.vaults)
    back = _address("batch-new", request.GET, selection)
    if "key" in form.errors or not selection.vaults or selection.is_too_much:
        return redirect(back)
    if not form.is_valid():
        return _choices(request, selection, form)
    destination = form.destination_of()
    if request.method != "POST":
        plan = batches.make_plan(selection.vaults, destination)
        return _last_look(request, form, LastLook(plan, _made(form)), ReasonForm(), back)
    return _confirm(request, form, destination, back)


def _confirm(request: PageRequest, form: BatchForm, destination: Destination, back: str) -> HttpResponse:
    seen = Seen.read(request.POST.get("seen", ""))
    sources, omitted = seen.vaults()
    reason = ReasonForm(request.POST)
    if not reason.is_valid():
        plan = batches.make_plan((*sources, *omitted), destination)
        return _last_look(request, form, LastLook(plan, _made(form)), reason, back)
    wish = BatchWish(
        sources=sources,
        destination=destination,
        reason=reason.cleaned_data["reason"],
        auto_trigger=form.cleaned_data["auto_trigger"],
        omitted=omitted,
        seen=seen.going,
    )
    try:
        batch, is_new = batches.request_batch(
            actor=request.user,
            wish=wish,
            key=form.cleaned_data["key"],
            now=timezone.now(),
            request_id=request.request_id,
        )
    except (batches.PlanChanged, batches.NothingToReplicate) as refusal:
        look = LastLook(refusal.plan, None, has_changed=True)
        return _last_look(request, form, look, reason, back)
    except batches.TooManyVaults:
        return redirect(back)
    except batches.BatchKeyReused:
        messages.error(
            request,
            _(
                "This form was used before, for other vaults or another destination. Nothing was sent; look again, "
                "then confirm."
            ),
        )
        return redirect(back)
    if is_new:
        messages.success(request, _("Requested. This page shows what becomes of each of them."))
    else:
        messages.info(request, _("This was requested before; here it is."))
    return see_other("batch-detail", batch.pk)


def _last_look(
    request: PageRequest, form: BatchForm, look: LastLook, reason: ReasonForm, back: str
) -> HttpResponse:
    context = {"look": look, "plan": look.plan, "form": form, "reason": reason, "back": back}
    return render(request, "replication/batch_review.html", context)


def _made(form: BatchForm) -> Batch | None:
    return Batch.objects.select_related("actor").filter(key=form.cleaned_data["key"]).first()


def _destination_in(address: QueryDict) -> dict[str, str]:
    """Return what an address says of the destination, and its key; the vaults are read by `Selection`."""
    return {name: address.get(name, "") for name in (*_CHOSEN, "key") if name in address}


def _address(name: str, address: QueryDict, selection: Selection) -> str:
    """Return the address of a page with the same vaults and destination, less the key."""
    kept = QueryDict(mutable=True)
    kept[selection.name] = selection.value
    for field in _CHOSEN:
        if address.get(field):
            kept[field] = address.get(field, "")
    return f"{reverse(name)}?{kept.urlencode()}"


def _vault_list(selection: Selection) -> str:
    """Return the address of the list that the vaults were chosen in."""
    return f"{reverse('vault-list')}?{selection.value}" if selection.is_by_filter else reverse("vault-list")
