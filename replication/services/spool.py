"""Keeps outcomes on disk while the database cannot take them, and brings them in later.

An answer of the cloud exists once. From the moment when the database refuses it until it is stored it lies in a file that
was forced to disk, so that neither a long outage nor the end of the process loses it. Each machine has its own files;
another machine settles the replication by looking at the cloud, and what lies here then completes it.
"""

import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from replication import cloud
from replication.cloud import AcceptedReplication, CloudError, Transcript
from replication.models import Replication

from . import outcome
from .outcome import Delivery

logger = logging.getLogger(__name__)

_ENDING = ".json"
#: What could not be read is set aside under this ending for a person, and never thrown away.
_SET_ASIDE = ".unreadable"
_KINDS: Mapping[str, type[CloudError]] = {
    kind.__name__: kind
    for kind in (
        cloud.NotDelivered,
        cloud.Misconfigured,
        cloud.SignInFailed,
        cloud.Throttled,
        cloud.Refused,
        cloud.NotFound,
        cloud.OutcomeUnknown,
    )
}
_FACTS = ("region", "method", "path", "request_id", "http_status", "code")


def keep(delivery: Delivery, result: AcceptedReplication | CloudError) -> Path:
    """Write an outcome into a file that survives a power cut, and return the file.

    Raises:
        OSError: the folder cannot be written.
    """
    folder = Path(settings.SPOOL_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{delivery.replication.pk}-{delivery.number}{_ENDING}"
    unfinished = path.with_suffix(".part")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(_as_json(delivery, result), file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    _force_folder(folder)
    return path


def forget(path: Path) -> None:
    """Remove a file whose outcome is in the database."""
    path.unlink(missing_ok=True)


def bring_in(clock: Callable[[], datetime]) -> int:
    """Store every outcome that lies here. Returns how many.

    Bringing in the same one twice is harmless: the second finds the row moved on, and only adds to the audit.
    """
    stored = 0
    for path in sorted(Path(settings.SPOOL_DIR).glob(f"*{_ENDING}")):
        try:
            delivery, result = _read(path)
        except (OSError, ValueError, KeyError, TypeError, CloudError, Replication.DoesNotExist):
            logger.exception("%s cannot be brought in; it is set aside", path)
            path.replace(path.with_suffix(_SET_ASIDE))
            continue
        outcome.record(delivery, result, clock())
        forget(path)
        stored += 1
        logger.warning("%s: an outcome that the database could not take is stored now", delivery.replication)
    return stored


def _force_folder(folder: Path) -> None:
    """Force the folder to disk: a file whose name is not there is lost."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _as_json(delivery: Delivery, result: AcceptedReplication | CloudError) -> dict[str, Any]:
    if isinstance(result, CloudError):
        told: dict[str, Any] = {
            "error": type(result).__name__,
            "message": str(result.message),
            **{name: getattr(result, name) for name in _FACTS},
            "retry_after": getattr(result, "retry_after", None),
        }
    else:
        told = {"accepted": dict(result.document), "request_id": result.request_id}
    return {
        "replication": str(delivery.replication.pk),
        "worker": delivery.worker_id,
        "number": delivery.number,
        "transcript": asdict(delivery.transcript),
        **told,
    }


def _read(path: Path) -> tuple[Delivery, AcceptedReplication | CloudError]:
    told = json.loads(path.read_text(encoding="utf-8"))
    replication = Replication.objects.select_related("source_vault__project").get(
        pk=UUID(told["replication"])
    )
    delivery = Delivery(replication, told["worker"], int(told["number"]), Transcript(**told["transcript"]))
    if "accepted" in told:
        return delivery, delivery.order.read_answer(told["accepted"], request_id=told["request_id"])
    error = _KINDS[told["error"]](told["message"], **{name: told[name] for name in _FACTS})
    if isinstance(error, cloud.Throttled):
        error.retry_after = told["retry_after"]
    return delivery, error
