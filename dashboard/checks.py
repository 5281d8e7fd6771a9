"""Refuses a configuration that is wrong, or complete only by half, before anybody relies on it.

Each check has an id and a hint that says what to change. Looks at settings only: no database, no cloud.
"""

import zoneinfo
from collections.abc import Iterator, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, run_checks  # noqa: A004  # Django's own name for it
from django.core.exceptions import ImproperlyConfigured

#: Names the checks of this module, for `manage.py check --tag`.
TAG = "dashboard"
#: Below this, an answer that is merely late was measured to be taken for absent, and a copy to be made twice.
SHORTEST_SETTLE_WINDOW = timedelta(minutes=10)
#: What a machine calls itself, and what Django's test client calls it.
LOCAL_NAMES = {"localhost", ".localhost", "127.0.0.1", "[::1]", "testserver"}


def refuse_wrong_configuration() -> None:
    """Raise unless every check of this module passes, for servers that do not run Django's checks by themselves.

    Raises:
        ImproperlyConfigured: with every reason, and what to change.
    """
    errors = [found for found in run_checks(tags=[TAG]) if found.is_serious() and not found.is_silenced()]
    if errors:
        raise ImproperlyConfigured("\n".join(["This configuration is refused.", *map(str, errors)]))


def check_configuration(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001  # part of Django's signature
    **_kwargs: object,
) -> list[CheckMessage]:
    """Return what is wrong with the settings, worst first."""
    return [*_hosts(), *_clouds(), *_demo(), *_intervals(), *_limit(), *_time_zone(), *_sandbox(), *_debug()]


def _hosts() -> Iterator[CheckMessage]:
    if not settings.LOCAL and not settings.ALLOWED_HOSTS:
        yield Error(
            "ALLOWED_HOSTS is empty, so every request would be refused.",
            hint="Set ALLOWED_HOSTS to the names under which people reach this site, separated by commas.",
            id="dashboard.E001",
        )
    foreign = sorted(set(settings.ALLOWED_HOSTS) - LOCAL_NAMES)
    if settings.LOCAL and foreign:
        yield Error(
            f"ALLOWED_HOSTS names {', '.join(foreign)}, but this is set up for one's own machine: plain HTTP, and "
            "without a SECRET_KEY sessions that anybody could forge.",
            hint="Set SECRET_KEY to a long random value and leave DEBUG unset, or unset ALLOWED_HOSTS.",
            id="dashboard.E002",
        )


def _clouds() -> Iterator[CheckMessage]:
    names = settings.REPLICATION_CLOUDS
    if any(not name.strip() for name in names):
        yield Error(
            "REPLICATION_CLOUDS has an empty entry.",
            hint="Separate the names of clouds.yaml entries by single commas.",
            id="dashboard.E003",
        )
    repeated = sorted({name for name in names if name.strip() and names.count(name) > 1})
    if repeated:
        yield Error(
            f"REPLICATION_CLOUDS names {', '.join(repeated)} more than once.",
            hint="Name each entry once: one entry is one project in one region.",
            id="dashboard.E004",
        )
    if names and settings.REPLICATION_SETTLE_WINDOW < SHORTEST_SETTLE_WINDOW:
        yield Error(
            "SETTLE_WINDOW_SECONDS is below 600 while real cloud accounts are in use: an answer that is merely late "
            "would be taken for absent, and a replication could be started and billed twice.",
            hint="Unset SETTLE_WINDOW_SECONDS for the default of 1800, or set at least 600.",
            id="dashboard.E005",
        )


def _demo() -> Iterator[CheckMessage]:
    if settings.DEMO and settings.REPLICATION_CLOUDS:
        yield Error(
            "DEMO is on and REPLICATION_CLOUDS names real cloud accounts: users with a public password would reach "
            "them.",
            hint="Unset DEMO to work with real accounts, or unset REPLICATION_CLOUDS to practise on the sandbox.",
            id="dashboard.E006",
        )


def _intervals() -> Iterator[CheckMessage]:
    given = {
        "PROGRESS_INTERVAL_SECONDS": settings.REPLICATION_PROGRESS_INTERVAL,
        "INVENTORY_INTERVAL_SECONDS": settings.REPLICATION_INVENTORY_INTERVAL,
        "SETTLE_WINDOW_SECONDS": settings.REPLICATION_SETTLE_WINDOW,
        "ARRIVAL_WINDOW_HOURS": settings.REPLICATION_ARRIVAL_WINDOW,
        "SESSION_SECONDS": timedelta(seconds=settings.SESSION_COOKIE_AGE),
    }
    for variable, interval in given.items():
        if interval <= timedelta(0):
            yield Error(
                f"{variable} is not above zero.",
                hint=f"Unset {variable} for its default, or set a positive number.",
                id="dashboard.E007",
            )


def _limit() -> Iterator[CheckMessage]:
    if settings.REPLICATION_REGION_LIMIT < 0:
        yield Error(
            "REGION_LIMIT is below zero: nothing would ever be sent.",
            hint="Unset REGION_LIMIT for its default, or set 0 for no limit.",
            id="dashboard.E010",
        )


def _time_zone() -> Iterator[CheckMessage]:
    if settings.DISPLAY_TIME_ZONE not in zoneinfo.available_timezones():
        yield Error(
            f"DISPLAY_TIME_ZONE is {settings.DISPLAY_TIME_ZONE!r}, which is not a time zone.",
            hint="Use a name of the IANA database, as Europe/Berlin or UTC.",
            id="dashboard.E008",
        )


def _sandbox() -> Iterator[CheckMessage]:
    if settings.REPLICATION_CLOUDS:
        return
    address = urlsplit(settings.SANDBOX_URL)
    if address.scheme not in {"http", "https"} or not address.netloc or address.path.rstrip("/"):
        yield Error(
            f"SANDBOX_URL is {settings.SANDBOX_URL!r}, which is not the address of a server.",
            hint="Write it as http://127.0.0.1:8900, without a path.",
            id="dashboard.E009",
        )


def _debug() -> Iterator[CheckMessage]:
    if settings.DEBUG and settings.REPLICATION_CLOUDS:
        yield Warning(
            "DEBUG is on while real cloud accounts are in use: error pages show what the program was working on.",
            hint="Unset DEBUG wherever somebody else can reach this site.",
            id="dashboard.W001",
        )
