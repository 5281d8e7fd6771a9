"""A complete answer of the cloud, and how to read the many shapes of its error bodies.

Knows headers, error shapes and how to keep secrets out of what is shown. It must not decide what an answer means for
the request: that is the matter of delivery.
"""

import logging
import math
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from .errors import Unreadable
from .fields import parse_json

logger = logging.getLogger("replication.cloud")

#: The longest pause that a Retry-After header can ask for, in seconds.
LONGEST_RETRY_AFTER = 600.0
_LONGEST_MESSAGE = 300
_LONGEST_EVIDENCE = 500
_LONGEST_CODE = 64
_LONGEST_REQUEST_ID = 200
#: Only what the first bytes may hold is looked at: an error body of a megabyte explains nothing more.
_LONGEST_ERROR_BODY = 64 * 1024
#: IAM's X-IAM-Trace-Id names a call where X-Request-Id does not; keystone's own name is the last resort.
_REQUEST_ID_HEADERS = ("x-request-id", "x-iam-trace-id", "x-openstack-request-id")
#: A token is far longer than any id, name or digest that could stand in a message.
_LOOKS_LIKE_A_TOKEN = re.compile(r"[A-Za-z0-9+/=_\-\\.]{80,}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class Call:
    """Which request it was; the path is without its query."""

    region: str
    method: str
    path: str


def log_call(call: Call, outcome: str, started: float, request_id: str = "") -> None:
    """Write one line about a call, without its query, body or token.

    Args:
        call: Which request it was.
        outcome: The HTTP status, or the kind of error where there is none.
        started: When it began, by the monotonic clock.
        request_id: The cloud's id of the call.
    """
    duration_ms = round((time.monotonic() - started) * 1000)
    logger.info(
        "%s %s %s in %d ms, request id %s",
        call.method,
        call.path,
        outcome,
        duration_ms,
        request_id or "unknown",
        extra={
            "region": call.region,
            "method": call.method,
            "path": call.path,
            "outcome": outcome,
            "duration_ms": duration_ms,
            "cloud_request_id": request_id,
        },
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and whole body of one answer. Header names are in small letters."""

    call: Call
    http_status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    #: The body was longer than we read.
    is_cut: bool = False
    #: What must never be shown, even where the cloud repeats it to us.
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def request_id(self) -> str:
        """Return the cloud's id of the call; empty when neither header nor body names it."""
        for name in _REQUEST_ID_HEADERS:
            if named := _label(self.headers.get(name), _LONGEST_REQUEST_ID, self.secrets):
                return named
        return _label(self._error_object().get("request_id"), _LONGEST_REQUEST_ID, self.secrets)

    @property
    def problem(self) -> tuple[str, str]:
        """Return code and message of an error body, each empty when it has none.

        The shapes, in this order: the backup service's and the gateway's error_code, the camel case of some
        backends, a bare code, and each of these one level down. Keystone's own shape repeats the HTTP status
        as a number where others have a code: that is no code.
        """
        body = self._error_object()
        nested = [(key, value) for key, value in body.items() if isinstance(value, Mapping)]
        for wrapper, candidate in [("", body), *nested]:
            for code_key, message_key in (
                ("error_code", "error_msg"),
                ("errorCode", "errorMsg"),
                ("code", "message"),
            ):
                if candidate.get(code_key) is None and candidate.get(message_key) is None:
                    continue
                is_status = wrapper == "error" and isinstance(candidate.get(code_key), int)
                code = "" if is_status else _label(candidate.get(code_key), _LONGEST_CODE, self.secrets)
                return code, shown(candidate.get(message_key), _LONGEST_MESSAGE, self.secrets)
        return "", ""

    @property
    def evidence(self) -> str:
        """Return the first characters of the body without secrets, for people to look at."""
        return shown(
            self.body[: 4 * _LONGEST_EVIDENCE].decode(errors="replace"), _LONGEST_EVIDENCE, self.secrets
        )

    @property
    def retry_after(self) -> float | None:
        """Return how many seconds the cloud asks to wait, 0 to 600; none when it does not say so legibly."""
        return parse_retry_after(self.headers.get("retry-after", ""), now=datetime.now(UTC))

    @property
    def date(self) -> datetime | None:
        """Return what the server calls the present moment, to the second; none when it does not say so legibly."""
        try:
            said = parsedate_to_datetime(self.headers.get("date", ""))
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        return said.replace(tzinfo=said.tzinfo or UTC)

    @property
    def redirect_host(self) -> str:
        """Return the host that a redirect points to; empty when it names none."""
        try:
            return shown(urlsplit(self.headers.get("location", "")).hostname, _LONGEST_MESSAGE, self.secrets)
        except ValueError:
            return ""

    def _error_object(self) -> Mapping[str, Any]:
        if self.http_status < 400 or len(self.body) > _LONGEST_ERROR_BODY:
            return {}
        try:
            body = parse_json(self.body)
        except Unreadable:
            return {}
        return body if isinstance(body, Mapping) else {}


def parse_retry_after(value: str, *, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, 0 to 600; none when it is neither number nor date."""
    value = value.strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            until = parsedate_to_datetime(value)
            seconds = (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds()
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    if math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def shown(value: object, longest: int, secrets: Iterable[str]) -> str:
    """Return a text from outside as it may be shown: on one line, cut, without secrets."""
    if not isinstance(value, str):
        return "" if value is None or isinstance(value, Mapping | list) else str(value)[:longest]
    for secret in secrets:
        if secret:
            value = value.replace(secret, "[secret]")
    value = _LOOKS_LIKE_A_TOKEN.sub("[secret]", value)
    value = _CONTROL.sub(" ", value).strip()
    return value if len(value) <= longest else f"{value[:longest]}…"


def _label(value: object, longest: int, secrets: Iterable[str]) -> str:
    """Return an id or code from outside; empty when it is not a plain short word."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = shown(str(value), longest, secrets)
    return text if text.isascii() and len(text) <= longest else ""
