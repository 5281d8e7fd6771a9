"""The button that asks for a fresh reading of the cloud."""

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from replication.services import inventory

from .access import PageRequest, page, see_other


@require_POST
@page
def refresh(request: PageRequest) -> HttpResponse:
    """Ask for a fresh reading, and go back to the page with the button."""
    inventory.request_refresh(actor=request.user, now=timezone.now(), request_id=request.request_id)
    messages.info(request, _("The cloud will be read again within seconds."))
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        back, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return see_other(back if is_ours else "overview")
