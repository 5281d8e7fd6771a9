"""Decides what a failed or finished request means: not delivered, refused, or unknown.

Pure decisions from an exception or a complete answer; nothing here sends. Whatever is not proved to be undelivered or
declined counts as unknown, and each exception class of the HTTP libraries stands in a table, so that a new one is
noticed by a test and not by a second replication.
"""

import ssl
from collections.abc import Iterator
from enum import Enum
from typing import TypeVar

import requests
import urllib3.exceptions as lower
from requests import exceptions as upper

from .answers import Answer, Call, shown
from .errors import (
    CloudError,
    Misconfigured,
    NotDelivered,
    NotFound,
    OutcomeUnknown,
    Refused,
    SignInFailed,
    Throttled,
    Unreadable,
)

_E = TypeVar("_E", bound=CloudError)


class DeadlinePassed(Exception):
    """The time for a request was over before its first byte was sent."""


class Proof(Enum):
    """What an exception class proves by itself."""

    #: There was no connection yet that could have carried a request.
    NOT_SENT = "not sent"
    #: The address cannot be used at all; the configuration is wrong.
    BAD_ADDRESS = "bad address"
    #: It may come before, during or after the work of the cloud.
    NOTHING = "nothing"


#: InvalidHeader proves nothing: requests raises it for ours before sending and for the cloud's after its answer.
PROOFS: dict[type[BaseException], Proof] = {
    **dict.fromkeys(
        (
            DeadlinePassed,
            ssl.SSLCertVerificationError,
            upper.ConnectTimeout,
            lower.ConnectTimeoutError,
            lower.NewConnectionError,
            lower.NameResolutionError,
        ),
        Proof.NOT_SENT,
    ),
    **dict.fromkeys(
        (
            upper.URLRequired,
            upper.MissingSchema,
            upper.InvalidSchema,
            upper.InvalidURL,
            upper.InvalidProxyURL,
            lower.LocationValueError,
            lower.LocationParseError,
            lower.URLSchemeUnknown,
            lower.ProxySchemeUnknown,
            lower.ProxySchemeUnsupported,
        ),
        Proof.BAD_ADDRESS,
    ),
    **dict.fromkeys(
        (
            upper.RequestException,
            upper.InvalidJSONError,
            upper.JSONDecodeError,
            upper.HTTPError,
            upper.ConnectionError,
            upper.ProxyError,
            upper.SSLError,
            upper.Timeout,
            upper.ReadTimeout,
            upper.TooManyRedirects,
            upper.InvalidHeader,
            upper.ChunkedEncodingError,
            upper.ContentDecodingError,
            upper.StreamConsumedError,
            upper.RetryError,
            upper.UnrewindableBodyError,
            lower.HTTPError,
            lower.PoolError,
            lower.RequestError,
            lower.SSLError,
            lower.ProxyError,
            lower.DecodeError,
            lower.ProtocolError,
            lower.MaxRetryError,
            lower.HostChangedError,
            lower.TimeoutStateError,
            lower.TimeoutError,
            lower.ReadTimeoutError,
            lower.EmptyPoolError,
            lower.FullPoolError,
            lower.ClosedPoolError,
            lower.ResponseError,
            lower.ResponseNotChunked,
            lower.BodyNotHttplibCompatible,
            lower.IncompleteRead,
            lower.InvalidChunkLength,
            lower.InvalidHeader,
            lower.HeaderParsingError,
            lower.UnrewindableBodyError,
        ),
        Proof.NOTHING,
    ),
}

#: A complete answer with one of these says that somebody's patience ended, not that the request was declined.
_GAVE_UP = frozenset({408, 499})


def decide_failure(error: BaseException, call: Call, *, sent: bool | None, host: str = "") -> CloudError:
    """Return what a request means that ended in an exception.

    Args:
        error: What was raised.
        call: Which request it was.
        sent: Whether a byte of the request may have left; none when that was not observed.
        host: Host that was addressed, for the message.
    """
    inner = _innermost(error)
    proof = _proof(inner)
    host = host or "the endpoint"
    kind: type[CloudError]
    code = ""
    if isinstance(inner, ssl.SSLCertVerificationError) and not sent:
        kind, code = Misconfigured, "tls"
        reason = shown(getattr(inner, "verify_message", "no reason given"), 200, ())
        message = (
            f"The certificate of {host} is not trusted ({reason}). Nothing was sent. If the "
            "endpoint is the right one, name its authority as cacert in the entry; verification is never switched off."
        )
    elif proof is Proof.BAD_ADDRESS and not sent:
        kind, code = Misconfigured, "endpoint"
        message = (
            f"The address of the endpoint cannot be used ({type(inner).__name__}). Correct it in the entry."
        )
    elif sent is False or (sent is None and proof is Proof.NOT_SENT):
        kind, code = NotDelivered, "unreachable"
        message = f"No connection to {host}: {_words(inner)}. Nothing was sent."
    else:
        kind, code = OutcomeUnknown, "no_answer"
        message = f"The request may have reached {host}, but its answer was lost: {_words(inner)}."
    return kind(message, region=call.region, method=call.method, path=call.path, code=code)


def _proof(error: BaseException) -> Proof:
    for parent in type(error).__mro__:
        if parent in PROOFS:
            return PROOFS[parent]
    return Proof.NOTHING


def _innermost(error: BaseException) -> BaseException:
    """Return the exception that the libraries wrapped: only it tells a refused connection from a lost answer."""
    for wrapped in _wrapped(error):
        return _innermost(wrapped)
    return error


def _wrapped(error: BaseException) -> Iterator[BaseException]:
    candidates = (getattr(error, "reason", None), *error.args)
    # A connection that could not be opened is proof by its own class; its cause is a bare OSError that proves nothing.
    if not isinstance(error, lower.ConnectTimeoutError | lower.NewConnectionError | requests.ConnectTimeout):
        yield from (item for item in candidates if isinstance(item, BaseException) and item is not error)


def _words(error: BaseException) -> str:
    if isinstance(error, lower.NameResolutionError):
        return "its name is not known"
    if isinstance(error, lower.NewConnectionError):
        cause = error.__cause__
        return (
            cause.strerror if isinstance(cause, OSError) and cause.strerror else "it cannot be reached"
        ).lower()
    if isinstance(error, DeadlinePassed | TimeoutError | requests.Timeout | lower.TimeoutError):
        return "it did not answer in time"
    return f"the connection broke ({type(error).__name__})"


def decide_answer(answer: Answer) -> CloudError | None:
    """Return what a complete answer to the replicate POST means; none for the documented success, 200."""
    status = answer.http_status
    if answer.is_cut:
        return unknown(answer, f"The answer ({status}) was larger than any that is documented")
    if status == 200:
        return None
    if status == 401:
        return describe(SignInFailed, answer, "The service refused our token")
    if status == 429:
        return throttled(answer)
    if 300 <= status < 400:
        return _redirected(answer)
    if status == 404:
        return describe(NotFound, answer, "The cloud does not know what the request names")
    if 400 <= status < 500 and status not in _GAVE_UP:
        return describe(Refused, answer, "The cloud declined the request")
    return unknown(
        answer, f"The cloud answered {status}, which does not tell whether the request was carried out"
    )


def decide_read(answer: Answer) -> CloudError | None:
    """Return what a complete answer to a GET means; none for a 200."""
    error = decide_answer(answer)
    if isinstance(error, OutcomeUnknown):
        if answer.is_cut or 200 <= answer.http_status < 300:
            size = "more than we read" if answer.is_cut else "to a read"
            return unreadable(answer, f"The cloud answered {answer.http_status}, {size}")
        return unknown(answer, f"The cloud could not answer a read ({answer.http_status})")
    return error


def unknown(answer: Answer, message: str) -> OutcomeUnknown:
    """Return an error for an answer that leaves the outcome open, with the first bytes as evidence."""
    error = describe(OutcomeUnknown, answer, message)
    if answer.http_status < 300:
        error.code = "bad_answer"
    error.evidence = answer.evidence
    return error


def unreadable(answer: Answer, message: str) -> Unreadable:
    """Return an error for a read whose answer is not as documented, with the first bytes as evidence."""
    error = describe(Unreadable, answer, message)
    error.evidence = answer.evidence
    return error


def throttled(answer: Answer) -> Throttled:
    """Return an error for an answer that asks to wait."""
    error = describe(Throttled, answer, "The cloud receives too many requests from this account")
    error.retry_after = answer.retry_after
    return error


def _redirected(answer: Answer) -> Refused:
    target = f" to {answer.redirect_host}" if answer.redirect_host else ""
    error = describe(
        Refused,
        answer,
        f"The endpoint is misrouted: it answered with a redirect{target}, which was not followed. Correct the "
        "endpoint of the entry",
    )
    error.code = "redirect"
    return error


def describe(kind: type[_E], answer: Answer, message: str) -> _E:
    """Return an error of a kind with everything that an answer tells: code, explanation, request id."""
    code, explanation = answer.problem
    said = ", ".join(part for part in (code, explanation) if part)
    return kind(
        f"{message}: {said}" if said else f"{message.rstrip('.')}.",
        region=answer.call.region,
        method=answer.call.method,
        path=answer.call.path,
        request_id=answer.request_id,
        http_status=answer.http_status,
        code=code,
    )
