"""What every request passes: an id for audit and logs, the reader's time zone, and headers for private pages."""

import uuid
import zoneinfo
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import patch_cache_control, patch_vary_headers

GetResponse = Callable[[HttpRequest], HttpResponse]
#: Written by static/dashboard.js from what the browser knows.
TIME_ZONE_COOKIE = "timezone"


class RequestIdMiddleware:
    """Gives each request an id of our own making and answers with it.

    An id that the client sends is not taken over: the audit must not contain what somebody else chose.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_id = uuid.uuid4().hex  # type: ignore[attr-defined]  # read by views, which pass it to services
        response = self.get_response(request)
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]  # set above
        return response


class TimeZoneMiddleware:
    """Shows times in the browser's zone, or in the one that the deployer chose."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timezone.override(_zone(request.COOKIES.get(TIME_ZONE_COOKIE, ""))):
            return self.get_response(request)


def _zone(wished: str) -> zoneinfo.ZoneInfo:
    if wished in zoneinfo.available_timezones():
        return zoneinfo.ZoneInfo(wished)
    return zoneinfo.ZoneInfo(settings.DISPLAY_TIME_ZONE)


class PrivatePagesMiddleware:
    """Keeps what a signed-in person saw out of every shared cache and out of the browser's after sign-out."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        patch_vary_headers(response, ["Cookie", "HX-Request"])
        patch_cache_control(response, private=True, no_store=True)
        return response
