"""Carries requests to the cloud and complete answers back: reads over pooled connections, the replicate POST alone.

A read may be repeated, so it is, a little. The POST starts work that is billed and cannot be called back, so it gets
a connection of its own, is never repeated or redirected, and ends at its deadline. Knows no endpoint and no payload.
"""

import http.client
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode, urlsplit

import requests
import urllib3.exceptions

from .answers import Answer, Call, log_call
from .credentials import Credentials
from .deadline import Attempt, plain_session, read_body
from .delivery import DeadlinePassed, decide_failure, decide_read
from .errors import CloudError, Misconfigured, OutcomeUnknown, SignInFailed, Throttled
from .transcript import Transcript

#: How long one address may take to accept a connection.
CONNECT_SECONDS = 5
#: How long the replicate POST may take as a whole, from resolving the name to the last byte of the answer.
REPLICATE_DEADLINE_SECONDS = 60
#: How long a read may be silent, and how long it may take as a whole.
READ_SECONDS = 30
READ_DEADLINE_SECONDS = 120
#: The largest answers that are read, in bytes after decompression.
LARGEST_REPLICATE_ANSWER = 1024 * 1024
LARGEST_READ_ANSWER = 64 * 1024 * 1024

_READ_ATTEMPTS = 3
_FIRST_PAUSE = 0.5
#: A longer pause than this is for whoever asked, who can do other things meanwhile.
_LONGEST_PAUSE = 10.0
_PASSING_STATUSES = frozenset({502, 503, 504})
#: The backup service tells some refused tokens by a 500 with this code instead of a 401.
_SIGN_IN_REFUSED = "BackupService.9998"
#: Beside their own exceptions, the libraries let those of sockets, http.client and of parsing pass.
_FAILURES = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    DeadlinePassed,
    OSError,
    ValueError,
)
_USER_AGENT = "vault-replication-dashboard"


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds and a size in bytes that one request must keep."""

    connect: float
    read: float
    total: float
    largest: int


READ_LIMITS = Limits(CONNECT_SECONDS, READ_SECONDS, READ_DEADLINE_SECONDS, LARGEST_READ_ANSWER)
REPLICATE_LIMITS = Limits(
    CONNECT_SECONDS, REPLICATE_DEADLINE_SECONDS, REPLICATE_DEADLINE_SECONDS, LARGEST_REPLICATE_ANSWER
)


def send_once(
    url: str,
    *,
    token: str,
    document: Mapping[str, object] | None,
    method: str = "POST",
    region: str = "",
    verify: bool | str = True,
    limits: Limits = REPLICATE_LIMITS,
    before_connecting: Callable[[], None] = lambda: None,
    transcript: Transcript | None = None,
) -> Answer:
    """Send what changes something exactly once and return its complete answer, whatever its status.

    Args:
        url: Where to; a redirect is an answer like any other.
        token: Token for the project in the address.
        document: The body, sent as JSON; none for a request without one.
        method: HTTP method.
        region: Region that is addressed, for errors and logs.
        verify: Whose certificates are trusted: the usual authorities', or those of a file. Never nobody's.
        limits: How long it may take and how large the answer may be.
        before_connecting: Called when nothing is left to do but to connect; what it raises stops everything.
        transcript: Where to take down what happens.

    Raises:
        NotDelivered: provably no byte was sent.
        OutcomeUnknown: it may have been received, and there is no complete answer.
    """
    with plain_session() as session:
        body = None if document is None else json.dumps(document).encode()
        request = requests.Request(method, url, data=body)
        request.headers = {"Accept-Encoding": "identity", "Connection": "close"}
        if body is not None:
            request.headers["Content-Type"] = "application/json"
        before_connecting()
        return _exchange(
            session,
            request,
            token=token,
            region=region,
            verify=verify,
            limits=limits,
            transcript=transcript,
        )


class ReadTransport:
    """Reads from the cloud: connections are kept, passing failures are tried again, old tokens renewed once."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        limits: Limits = READ_LIMITS,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._credentials = credentials
        self._limits = limits
        self._sleep = sleep
        self._session = plain_session()
        #: What the latest answer called the present moment, to the second; none until one said so.
        self.server_date: datetime | None = None

    def get(self, url: str, query: Sequence[tuple[str, str]] = ()) -> Answer:
        """Return the complete answer, always a 200.

        Raises:
            NotDelivered: there is no connection, no token, or no end of throttling.
            Refused: the cloud declined to answer.
            OutcomeUnknown: the cloud failed or its answer was lost, again and again; harmless for a read.
            Unreadable: a success that is none for a read, or too large.
        """
        address = f"{url}?{urlencode(query)}" if query else url
        for attempt in range(1, _READ_ATTEMPTS):
            try:
                return self._get_answered(address)
            except CloudError as error:
                asked = error.retry_after if isinstance(error, Throttled) else None
                pause = _pause(attempt) if asked is None else asked
                if pause > _LONGEST_PAUSE or not _may_pass(error):
                    raise
            self._sleep(pause)
        return self._get_answered(address)

    def close(self) -> None:
        """Close the kept connections; a later read opens new ones."""
        self._session.close()

    def _get_answered(self, address: str) -> Answer:
        token = self._credentials.access().token
        answer = self._get(address, token)
        if was_token_refused(answer):
            self._credentials.forget(token)
            answer = self._get(address, self._credentials.access().token)
        if error := decide_read(answer):
            raise error
        self.server_date = answer.date or self.server_date
        return answer

    def _get(self, address: str, token: str) -> Answer:
        return _exchange(
            self._session,
            requests.Request("GET", address, headers={"Accept-Encoding": "gzip"}),
            token=token,
            region=self._credentials.region,
            verify=self._credentials.verify,
            limits=self._limits,
        )


def was_token_refused(answer: Answer) -> bool:
    """Return whether the answer says that a new token may help."""
    return answer.http_status == 401 or (answer.http_status >= 500 and answer.problem[0] == _SIGN_IN_REFUSED)


def _may_pass(error: CloudError) -> bool:
    if isinstance(error, SignInFailed | Misconfigured):
        return False
    if isinstance(error, OutcomeUnknown) and error.http_status is not None:
        return error.http_status in _PASSING_STATUSES
    return not error.http_status or isinstance(error, Throttled)


def _pause(attempt: int) -> float:
    # Clients that failed together must not come back together.
    jitter = random.uniform(0.5, 1.5)  # noqa: S311  # spreads load, keeps no secret
    return float(_FIRST_PAUSE * 2 ** (attempt - 1) * jitter)


def _exchange(
    session: requests.Session,
    request: requests.Request,
    *,
    token: str,
    region: str,
    verify: bool | str,
    limits: Limits,
    transcript: Transcript | None = None,
) -> Answer:
    """Send a request once and read its answer, up to the largest size.

    Raises:
        CloudError: what delivery makes of the failure.
    """
    split = urlsplit(request.url)
    call = Call(region=region, method=request.method, path=split.path)
    request.headers |= {"X-Auth-Token": token, "User-Agent": _USER_AGENT, "Accept": "application/json"}
    started = time.monotonic()
    failure: Exception | None = None
    with Attempt(limits.total) as attempt:
        try:
            response, body = _send(session, request, verify=verify, limits=limits)
        except _FAILURES as raised:
            failure = raised
    if transcript:
        transcript.bytes_written = attempt.bytes_written
    if attempt.ended:
        # A body that ends because the watchdog ended the connection looks whole.
        failure = DeadlinePassed()
    if failure:
        error = decide_failure(failure, call, sent=attempt.sent, host=split.hostname or "")
        log_call(call, type(error).__name__, started)
        raise error
    answer = Answer(
        call=call,
        http_status=response.status_code,
        headers={name.lower(): value for name, value in response.headers.items()},
        body=body[: limits.largest],
        is_cut=len(body) > limits.largest,
        secrets=(token,),
    )
    if transcript:
        transcript.keep(answer)
    log_call(call, str(answer.http_status), started, answer.request_id)
    return answer


def _send(
    session: requests.Session, request: requests.Request, *, verify: bool | str, limits: Limits
) -> tuple[requests.Response, bytes]:
    """Send a request and return its answer and body, one byte longer than the largest at most.

    The session's own way of sending is avoided: it reads the body of a redirect to its end, without any limit.
    """
    prepared = session.prepare_request(request)
    timeout = (min(limits.connect, limits.total), min(limits.read, limits.total))
    response = session.get_adapter(request.url).send(
        prepared, stream=True, timeout=timeout, verify=verify, proxies={}
    )
    try:
        return response, read_body(response, limits.largest)
    finally:
        response.close()
