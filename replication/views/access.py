"""What every page has in common: who may see it, what its request carries, and how a refusal is answered.

Views call services; what a service refuses becomes an answer here. Nothing here knows what a page shows.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

from replication.roles import NotPermitted, Right, require

_P = ParamSpec("_P")


class PageRequest(HttpRequest):
    """A request of a signed-in person, with what the middleware has put on it."""

    user: User
    request_id: str
    htmx: HtmxDetails


class SeeOther(HttpResponseRedirect):
    """Sends a browser to a page after a form was taken, so that a reload of that page sends nothing again."""

    status_code = 303


def see_other(to: object, *args: object) -> HttpResponse:
    """Return the redirect to a named page or to an object's page."""
    return SeeOther(resolve_url(to, *args))  # type: ignore[arg-type]  # Django takes more than its stubs say


def page(
    view: Callable[Concatenate[PageRequest, _P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, _P], HttpResponseBase]:
    """Let in signed-in people who may see vaults and replications.

    A right that a service misses becomes Django's `PermissionDenied`, whose cause names it.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: _P.args, **kwargs: _P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _sign_in_first(request)
        try:
            require(request.user, Right.VIEW)
            return view(cast("PageRequest", request), *args, **kwargs)
        except NotPermitted as refusal:
            raise PermissionDenied from refusal

    return guarded  # type: ignore[return-value]  # Django passes the request by position, which wraps() cannot tell


def _sign_in_first(request: HttpRequest) -> HttpResponse:
    """Send to the sign-in page and back; a fragment is told so, lest the sign-in page lands in a table."""
    if request.headers.get("HX-Request"):
        return HttpResponse(status=401)
    if request.method in {"GET", "HEAD"}:
        return redirect_to_login(request.get_full_path())
    came_from = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(
        came_from, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return redirect_to_login(came_from if is_ours else reverse("overview"))
