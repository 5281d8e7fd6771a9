"""Answers for probes: whether this process lives, and whether the installation can do its work.

Never asks the cloud: an outage there must not take the pages away. Tells states and ages, no names, versions or error
texts, since anybody may ask.
"""

from datetime import datetime
from functools import cache

from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from replication.services import statistics


@require_safe
def live(request: HttpRequest) -> JsonResponse:  # noqa: ARG001  # a view takes a request
    """Say that the process answers. Touches nothing else, so that one outage elsewhere restarts no server."""
    return JsonResponse({"status": "live"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:  # noqa: ARG001  # a view takes a request
    """Say whether the database and a worker are there, with ages in seconds; 503 and the reasons if not."""
    answer: dict[str, object] = {"worker_seen_seconds": None, "inventory_read_seconds": None}
    try:
        reasons = _look(answer, timezone.now())
    except Error:
        reasons = ["database unreachable"]
    status = "unready" if reasons else "ready"
    return JsonResponse({"status": status, "reasons": reasons, **answer}, status=503 if reasons else 200)


def _look(answer: dict[str, object], now: datetime) -> list[str]:
    if not _required_migrations() <= MigrationRecorder(connection).applied_migrations().keys():
        return ["migrations missing"]
    worker = statistics.worker_health(now)
    answer["worker_seen_seconds"] = _age(worker.seen_at, now)
    answer["inventory_read_seconds"] = _age(statistics.inventory_health(now).oldest_read_at, now)
    return [] if worker.is_alive else ["no worker"]


@cache
def _required_migrations() -> frozenset[tuple[str, str]]:
    """Return the last migration of every app: read from disk once, since the code does not change under us."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


def _age(at: datetime | None, now: datetime) -> int | None:
    return None if at is None else max(0, round((now - at).total_seconds()))
