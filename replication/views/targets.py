"""The targets: how old restore points may be, for whom; setting, changing and removing one."""

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from replication.forms import TargetForm
from replication.models import RecoveryTarget
from replication.roles import Right, can, require
from replication.services import targets

from .access import PageRequest, page, see_other


@require_http_methods(["GET", "HEAD", "POST"])
@page
def target_list(request: PageRequest) -> HttpResponse:
    """Show the targets; as the answer to a POST, set one."""
    if request.method != "POST":
        return _show(request, TargetForm(initial={"unit": TargetForm.HOURS, **request.GET.dict()}))
    require(request.user, Right.SET_TARGETS)
    form = TargetForm(request.POST)
    if not form.is_valid():
        return _show(request, form)
    try:
        targets.set_target(
            actor=request.user,
            scope=form.chosen,
            hours=form.cleaned_data["hours"],
            was=form.cleaned_data["was"],
            now=timezone.now(),
            request_id=request.request_id,
        )
    except targets.ChangedMeanwhile:
        return _show(request, form.with_present_target())
    messages.success(request, _("The target is set."))
    return see_other("target-list")


def _show(request: PageRequest, form: TargetForm) -> HttpResponse:
    listed = RecoveryTarget.objects.select_related("vault__project__region", "project__region")
    context = {
        "form": form,
        "targets": sorted(listed, key=lambda one: (one.kind_order, one.scope)),
        "may_set_targets": can(request.user, Right.SET_TARGETS),
    }
    return render(request, "replication/target_list.html", context)


@require_POST
@page
def remove(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Remove a target as it was shown."""
    require(request.user, Right.SET_TARGETS)
    listed = RecoveryTarget.objects.select_related("vault__project__region", "project__region")
    target = get_object_or_404(listed, pk=pk)
    if request.POST.get("hours") == str(target.hours):
        try:
            targets.remove_target(
                actor=request.user, target=target, now=timezone.now(), request_id=request.request_id
            )
        except targets.ChangedMeanwhile:
            pass
        else:
            messages.success(request, _("The target is removed."))
            return see_other("target-list")
    messages.error(request, _("Somebody else has changed this target. Nothing was removed."))
    return see_other("target-list")
