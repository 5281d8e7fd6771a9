"""Saved checks: what would happen, kept under an address that can be passed on."""

import uuid
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from replication.forms import ReplicationForm
from replication.models import Check
from replication.services import checking, scoring
from replication.services.checking import Changes
from replication.services.preflight import Destination, Forecast

from .access import PageRequest, page, see_other


@dataclass(frozen=True, slots=True)
class Origin:
    """The check that somebody comes from, and what is different now."""

    check: Check
    changes: Changes


@require_POST
@page
def save(request: PageRequest) -> HttpResponse:
    """Keep what would happen with the choices in the address, and lead to where it is kept."""
    form = ReplicationForm(request.GET)
    if not form.is_valid():
        # Something has become unfit since the page was shown; there it says what.
        return redirect(f"{reverse('replication-review')}?{request.GET.urlencode()}")
    check = checking.save_check(
        actor=request.user,
        source=form.source,
        destination=form.destination_of(),
        auto_trigger=form.cleaned_data["auto_trigger"],
        now=timezone.now(),
        request_id=request.request_id,
    )
    return see_other("check-detail", check.pk)


@require_GET
@page
def check_detail(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Show what a check saw, how old it is, what was asked for since, and the way on to confirming."""
    now = timezone.now()
    check = get_object_or_404(
        Check.objects.select_related(
            "actor", "source_vault__project__region", "destination__project__region"
        ),
        pk=pk,
    )
    context = {
        "check": check,
        "outlook": checking.result_of(check),
        "source": check.source_vault,
        "destination": Destination(
            check.destination_region,
            check.destination_project_id,
            check.destination_vault_id,
            check.destination,
        ),
        "auto_trigger": check.auto_trigger,
        "is_old": check.is_old(now),
        "now": now,
        "since": checking.since(check),
        "track_record": scoring.track_record(),
        "commands": checking.commands_of(check),
        "here": request.build_absolute_uri(request.path),
        "onward": onward(check),
    }
    return render(request, "replication/check_detail.html", context)


def onward(check: Check) -> str:
    """Return the address of the last look with what was checked, under a fresh key."""
    wanted: dict[str, object] = {"key": uuid.uuid4(), "vault": check.source_vault_id, "check": check.pk}
    if check.auto_trigger:
        wanted["auto_trigger"] = "on"
    if check.destination:
        wanted |= {
            "region": check.destination_region,
            "project": check.destination.project_id,
            "destination": check.destination_id,
        }
    else:
        wanted |= {
            "typed_region": check.destination_region,
            "typed_project_id": check.destination_project_id,
            "typed_vault_id": check.destination_vault_id,
        }
    return f"{reverse('replication-review')}?{urlencode(wanted)}"


def origin_of(wanted: str, form: ReplicationForm, destination: Destination, now: Forecast) -> Origin | None:
    """Return the check that the address names, with what differs; `None` when it names none of this replication."""
    try:
        asked = uuid.UUID(wanted)
    except ValueError:
        return None
    check = Check.objects.filter(pk=asked).select_related("actor").first()
    if check is None or not checking.belongs_to(check, form.source, destination):
        return None
    return Origin(check, checking.compare(checking.result_of(check).forecast, now))
