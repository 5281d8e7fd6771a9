"""Asking for a replication: choosing from where to where, a last look at what would happen, and the request itself.

Of a whole vault or, where the address names a backup, of that one.

The choices stand in the address, so that going back, reloading and passing the link on all show the same; the key in
it makes sure that all of these lead to one replication.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import replace_url

from replication.forms import BackupForm, ReasonForm, ReplicationForm
from replication.models import Backup, Replication
from replication.roles import Right, require
from replication.services import checking, scoring, statistics, triggering
from replication.services.checking import Outlook
from replication.services.preflight import Destination, Forecast

from .access import PageRequest, page, see_other
from .checks import Origin, origin_of


@dataclass(frozen=True, slots=True)
class LastLook:
    """What the last look before sending shows."""

    form: ReplicationForm
    destination: Destination
    outlook: Outlook
    #: The saved check that the person comes from, and what differs from it now.
    origin: Origin | None
    #: Whether it was confirmed, but is no longer what was shown before.
    has_changed: bool
    #: The replication that this key has made already, or the one that occupies vault and region.
    made: Replication | None
    in_the_way: Replication | None

    @property
    def forecast(self) -> Forecast:
        """What would happen."""
        return self.outlook.forecast

    @property
    def can_be_sent(self) -> bool:
        """Whether the button is offered."""
        return not (self.forecast.blockers or self.made or self.in_the_way)


@require_GET
@page
def choose(request: PageRequest) -> HttpResponse:
    """Show the choices, filled in from the address."""
    require(request.user, Right.TRIGGER)
    wanted = request.GET.dict() | {"key": uuid.uuid4()}
    return _choices(request, _form_of(request)(initial=wanted))


def _form_of(request: PageRequest) -> type[ReplicationForm]:
    return BackupForm if "backup" in request.GET else ReplicationForm


def _choices(request: PageRequest, form: ReplicationForm) -> HttpResponse:
    now = timezone.now()
    context = {
        "form": form,
        "fields_url": reverse("destination-fields"),
        "typed_fields": [form[name] for name in form.TYPED],
        "inventory": statistics.inventory_health(now),
        "worker": statistics.worker_health(now),
    }
    return render(request, "replication/replication_new.html", context)


@require_GET
@page
def destination_fields(request: PageRequest) -> HttpResponse:
    """Answer a change of one choice: the menus that follow from it, and the address that keeps it."""
    require(request.user, Right.TRIGGER)
    form = _form_of(request)(initial=request.GET.dict())
    context = {
        "form": form,
        "renews_source": form.one_backup is None,
        "fields_url": reverse("destination-fields"),
    }
    response = render(request, "replication/_destination_fields.html", context)
    kept = {name: request.GET[name] for name in form.CHOSEN if request.GET.get(name)}
    return replace_url(response, f"{reverse('replication-new')}?{urlencode(kept)}")


@require_http_methods(["GET", "HEAD", "POST"])
@page
def review(request: PageRequest) -> HttpResponse:
    """Show what would happen; as the answer to a POST, make it so."""
    require(request.user, Right.TRIGGER)
    form = _form_of(request)(request.GET)
    if "key" in form.errors:
        return redirect(_back_to_choices(request))
    if not form.is_valid():
        return _choices(request, form)
    destination = form.destination_of()
    if request.method != "POST":
        return _last_look(request, form, destination, ReasonForm())
    reason = ReasonForm(request.POST)
    if not reason.is_valid():
        return _last_look(request, form, destination, reason)
    return _request(request, form, destination, reason)


def _last_look(
    request: PageRequest,
    form: ReplicationForm,
    destination: Destination,
    reason: ReasonForm,
    *,
    has_changed: bool = False,
) -> HttpResponse:
    if form.one_backup:
        return _last_look_at_backup(request, form, form.one_backup, destination, reason)
    replications = Replication.objects.with_names()
    outlook = checking.look(form.source, destination, timezone.now())
    auto_trigger = form.cleaned_data["auto_trigger"]
    look = LastLook(
        form=form,
        destination=destination,
        outlook=outlook,
        origin=origin_of(request.GET.get("check", ""), form, destination, outlook.forecast),
        has_changed=has_changed,
        made=replications.filter(key=form.cleaned_data["key"]).first(),
        in_the_way=triggering.in_the_way(form.wish(destination, "")),
    )
    context = {
        "look": look,
        "outlook": outlook,
        "source": form.source,
        "destination": destination,
        "auto_trigger": auto_trigger,
        "reason": reason,
        "back": _back_to_choices(request),
        "save": f"{reverse('check-save')}?{request.GET.urlencode()}",
        "track_record": scoring.track_record(),
        "commands": checking.commands(form.source, destination, auto_trigger=auto_trigger),
    }
    return render(request, "replication/replication_review.html", context)


def _last_look_at_backup(
    request: PageRequest,
    form: ReplicationForm,
    backup: Backup,
    destination: Destination,
    reason: ReasonForm,
) -> HttpResponse:
    replications = Replication.objects.with_names()
    wish = form.wish(destination, "")
    made = replications.filter(key=form.cleaned_data["key"]).first()
    in_the_way = triggering.in_the_way(wish)
    forecast = triggering.forecast_backup(backup, destination)
    others = replications.under_way().of_pair(form.source, destination.region)
    context = {
        "form": form,
        "backup": backup,
        "source": form.source,
        "destination": destination,
        "auto_trigger": False,
        "forecast": forecast,
        "made": made,
        "in_the_way": in_the_way,
        "waits_for": others.first(),
        "can_be_sent": not (forecast.blockers or made or in_the_way),
        "reason": reason,
        "back": _back_to_choices(request),
        "commands": checking.commands_for_backup(wish),
    }
    return render(request, "replication/backup_review.html", context)


def _request(
    request: PageRequest, form: ReplicationForm, destination: Destination, reason: ReasonForm
) -> HttpResponse:
    now = timezone.now()
    try:
        replication, is_new = triggering.request_replication(
            actor=request.user,
            wish=replace(
                form.wish(destination, reason.cleaned_data["reason"]),
                seen=request.POST.get("seen", ""),
                check_id=_check_id(request),
            ),
            key=form.cleaned_data["key"],
            now=now,
            request_id=request.request_id,
        )
    except triggering.AlreadyActive as conflict:
        messages.warning(request, _already_started(conflict.replication))
        return see_other("replication-detail", conflict.replication.pk)
    except triggering.KeyReused:
        messages.error(
            request,
            _(
                "This form was used before, for a replication to somewhere else. Nothing was sent; look again, then confirm."
            ),
        )
        return redirect(_back_to_choices(request))
    except triggering.NotReplicable:
        return _last_look(request, form, destination, reason)
    except triggering.ForecastChanged:
        return _last_look(request, form, destination, reason, has_changed=True)
    if is_new:
        messages.success(request, _("Requested. This page shows what becomes of it."))
    else:
        messages.info(request, _already_started(replication))
    return see_other("replication-detail", replication.pk)


def _check_id(request: PageRequest) -> str:
    """Return the id of the check that the person comes from, for the audit; empty for nonsense."""
    try:
        return str(uuid.UUID(request.GET.get("check", "")))
    except ValueError:
        return ""


def _already_started(replication: Replication) -> str:
    if replication.is_foreign:
        return _("Already under way: it was started elsewhere and found in the cloud at %(time)s.") % {
            "time": _clock(replication.requested_at)
        }
    return _("Already started by %(person)s at %(time)s.") % {
        "person": replication.requester,
        "time": _clock(replication.requested_at),
    }


def _clock(moment: datetime) -> str:
    return formats.date_format(timezone.localtime(moment), "H:i")


def _back_to_choices(request: PageRequest) -> str:
    """Return the address of the choices as they stand, less the key: what is chosen anew is another intention."""
    kept = request.GET.copy()
    kept.pop("key", None)
    kept.pop("check", None)
    return f"{reverse('replication-new')}?{kept.urlencode()}"
