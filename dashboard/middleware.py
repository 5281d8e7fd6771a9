"""What every request passes: an id for audit and logs, the reader's language and time zone, and headers for private pages."""

import uuid
import zoneinfo
from collections.abc import Callable
from functools import cache
from urllib.parse import unquote

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control, patch_vary_headers

from replication.models import Preferences

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


class ReaderMiddleware:
    """Shows language and times as the reader has chosen; else as the browser asks, or in the deployer's zone.

    What the browser asks for in the way of languages was found out by Django's own middleware before this one.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Probes have to be answered even where no session can be read.
        chosen = Preferences() if request.path.startswith("/health/") else Preferences.of(request.user)
        if chosen.language in dict(settings.LANGUAGES):
            translation.activate(chosen.language)
            request.LANGUAGE_CODE = chosen.language
        # Kept percent-encoded by the browser, as its "/" is.
        browsers = unquote(request.COOKIES.get(TIME_ZONE_COOKIE, ""))
        with timezone.override(_zone(chosen.time_zone or browsers)):
            return self.get_response(request)


def _zone(wished: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(wished if wished in _zones() else settings.DISPLAY_TIME_ZONE)


#: Looks through the files of the zones, so once a process.
_zones = cache(zoneinfo.available_timezones)


class PrivatePagesMiddleware:
    """Keeps what a signed-in person saw out of every shared cache and out of the browser's after sign-out."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        patch_vary_headers(response, ["Cookie", "HX-Request"])
        patch_cache_control(response, private=True, no_store=True)
        return response
