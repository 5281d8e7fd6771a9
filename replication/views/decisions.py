"""What a person decides about a replication: withdrawing it, or settling one whose outcome is unclear.

Settling is a page of its own, which shows the evidence and asks why: nothing of it can be taken back.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from replication.forms import ReasonForm
from replication.models import Replication
from replication.roles import Right, require
from replication.services import triggering
from replication.services.preflight import Text

from .access import PageRequest, page, see_other
from .replications import take_snapshot
from .rows import with_both_ends


@dataclass(frozen=True, slots=True)
class Decision:
    """A way to settle an unclear replication: its words, and the service that carries it out."""

    title: Text
    #: What it means, and what it risks.
    meaning: Text
    button: Text
    done: Text
    settle: Callable[..., None]
    #: Whether it rests on nothing having been found.
    needs_absence: bool


REARM = Decision(
    title=gettext_lazy("Send it again"),
    meaning=gettext_lazy(
        "You say that the cloud never started it, and the same request is sent once more. If it did start after all, "
        "everything is copied and billed twice."
    ),
    button=gettext_lazy("It was never started: send it again"),
    done=gettext_lazy("It is queued again and will be sent within seconds."),
    settle=triggering.rearm_replication,
    needs_absence=True,
)
GIVE_UP = Decision(
    title=gettext_lazy("Give it up"),
    meaning=gettext_lazy(
        "You say that the cloud never started it, and it is not wanted any more. It is closed as withdrawn, and the "
        "vault can be replicated to this region again."
    ),
    button=gettext_lazy("It was never started: give it up"),
    done=gettext_lazy("It is withdrawn."),
    settle=triggering.give_up_replication,
    needs_absence=True,
)
ADOPT = Decision(
    title=gettext_lazy("Take over what was found"),
    meaning=gettext_lazy(
        "You say that what the cloud shows is this replication. The next look takes it over, and it goes on as running."
    ),
    button=gettext_lazy("It is this one: take it over"),
    done=gettext_lazy("The next look at the cloud takes it over."),
    settle=triggering.allow_adoption,
    needs_absence=False,
)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def withdraw(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask once more, then withdraw a replication that was not sent yet."""
    require(request.user, Right.WITHDRAW)
    replication = get_object_or_404(Replication, pk=pk)
    if request.method != "POST":
        return render(request, "replication/replication_withdraw.html", {"replication": replication})
    try:
        triggering.withdraw_replication(
            actor=request.user, replication=replication, now=timezone.now(), request_id=request.request_id
        )
    except triggering.NotCancellable:
        messages.warning(
            request, _("Too late: it is no longer waiting to be sent, so nothing was withdrawn.")
        )
    else:
        messages.success(request, _("It is withdrawn. Nothing was sent."))
    return see_other("replication-detail", pk)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def rearm(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Send an unclear replication again."""
    return _settle(request, pk, REARM)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def give_up(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Close an unclear replication that was never started."""
    return _settle(request, pk, GIVE_UP)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def adopt(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Let the next look take over what it finds."""
    return _settle(request, pk, ADOPT)


def _settle(request: PageRequest, pk: uuid.UUID, decision: Decision) -> HttpResponse:
    require(request.user, Right.SETTLE)
    replication = get_object_or_404(with_both_ends(Replication.objects.all()), pk=pk)
    if not replication.is_unconfirmed:
        messages.info(request, _("It is not unclear any more, so there is nothing to settle."))
        return see_other("replication-detail", pk)
    reason = ReasonForm(request.POST if request.method == "POST" else None)
    if not reason.is_valid():
        return _evidence(request, replication, decision, reason)
    try:
        decision.settle(
            actor=request.user,
            replication=replication,
            reason=reason.cleaned_data["reason"],
            now=timezone.now(),
            request_id=request.request_id,
        )
    except triggering.NotSettleable as refusal:
        messages.error(request, refusal.reason)
        return _evidence(request, replication, decision, reason)
    messages.success(request, decision.done)
    return see_other("replication-detail", pk)


def _evidence(
    request: PageRequest, replication: Replication, decision: Decision, reason: ReasonForm
) -> HttpResponse:
    snapshot = take_snapshot(request, replication, timezone.now())
    context = {
        "decision": decision,
        "snapshot": snapshot,
        "replication": replication,
        "obstacle": snapshot.absence_gap if decision.needs_absence else snapshot.adoption_gap,
        "reason": reason,
    }
    return render(request, "replication/replication_settle.html", context)
