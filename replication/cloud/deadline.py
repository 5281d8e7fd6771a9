"""A deadline for one HTTP request, and a size for its answer, that hold whatever the other side does.

The timeouts of the HTTP libraries count from one read to the next: a header dripped byte by byte, endless 1xx answers
or a slow handshake outlive them all. Here a watchdog shuts the socket down when the time is over, and tells whether a
byte of the request may have left. It knows connections, and nothing of what is asked or answered.
"""

import contextlib
import http.client
import os
import socket
import threading
import time
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import Retry

from .delivery import DeadlinePassed

_CHUNK = 64 * 1024

_current: ContextVar["Attempt | None"] = ContextVar("replication_cloud_attempt", default=None)


class Attempt:
    """One request, from before its name is resolved until its body is read. To be used as a context manager.

    A name that is being resolved and an address that is being connected to cannot be interrupted, but each has its own
    limit, and when the time is over afterwards, nothing is sent any more.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until = float("inf")
        self._lock = threading.Lock()
        self._watched: list[socket.socket] = []
        self._answers: list[http.client.HTTPResponse] = []
        self._watchdog = threading.Timer(seconds, self._end)
        self._watchdog.daemon = True
        #: Whether a byte of the request may have left this machine.
        self.sent = False
        #: Bytes that the operating system has taken whole; those of a write that failed are not counted.
        self.bytes_written = 0
        #: Whether the watchdog has ended the connections: a body that ended then may be half a body.
        self.ended = False

    def __enter__(self) -> Self:
        self._until = time.monotonic() + self._seconds
        self._outer = _current.set(self)
        self._watchdog.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _current.reset(self._outer)
        self._watchdog.cancel()
        self._watchdog.join()
        for answer in self._answers:
            answer.close()
        for watched in self._watched:
            watched.close()

    def watch(self, connected: socket.socket) -> None:
        """Put a connection under the watchdog.

        A second descriptor of the same connection is held, since wrapping a socket in TLS takes the first one away.

        Raises:
            DeadlinePassed: the time is over.
        """
        with self._lock:
            self._watched.append(socket.socket(fileno=os.dup(connected.fileno())))
        self._refuse_when_over()

    def about_to_send(self, connected: socket.socket) -> None:
        """Remember that bytes of the request leave from now on, over a connection that may be older than the attempt.

        Raises:
            DeadlinePassed: the time is over, and none has left yet.
        """
        if self.sent:
            return
        if not self._watched:
            self.watch(connected)
        self._refuse_when_over()
        self.sent = True

    def answered(self, answer: http.client.HTTPResponse) -> None:
        """Take charge of closing an answer."""
        self._answers.append(answer)

    def _refuse_when_over(self) -> None:
        if time.monotonic() >= self._until:
            self._end()
            raise DeadlinePassed("The time for the request was over before it was sent.")

    def _end(self) -> None:
        with self._lock:
            self.ended = True
            for watched in self._watched:
                # The other side may have closed it before us.
                with contextlib.suppress(OSError):
                    watched.shutdown(socket.SHUT_RDWR)


class _Answer(http.client.HTTPResponse):
    """An answer that the current attempt closes, since one with senseless headers would hold its socket for ever."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if attempt := _current.get():
            attempt.answered(self)


class _Watched:
    """Reports to the current attempt what a connection of urllib3 is about to do."""

    sock: Any

    def _new_conn(self) -> socket.socket:
        connected: socket.socket = super()._new_conn()  # type: ignore[misc]  # a mix-in: the class beside it has it
        if attempt := _current.get():
            try:
                attempt.watch(connected)
            except DeadlinePassed:
                connected.close()
                raise
        return connected

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()  # type: ignore[attr-defined]  # a mix-in: the class beside it has it
        attempt = _current.get()
        if attempt:
            attempt.about_to_send(self.sock)
        super().send(data)  # type: ignore[misc]  # a mix-in: the class beside it has it
        if attempt and isinstance(data, bytes):
            attempt.bytes_written += len(data)


class _Connection(_Watched, HTTPConnection):
    response_class = _Answer


class _SecureConnection(_Watched, HTTPSConnection):
    response_class = _Answer


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class DeadlineAdapter(HTTPAdapter):
    """Sends requests of the current attempt under its deadline, each once: no retry, whatever the failure."""

    def __init__(self) -> None:
        super().__init__(max_retries=Retry(0, read=False))

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools out of watched connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def close(self) -> None:
        """Close the kept connections now: dropping a pool leaves them to the garbage collection."""
        for key in self.poolmanager.pools.keys():  # noqa: SIM118  # it offers no other way to see its keys
            if pool := self.poolmanager.pools.get(key):
                pool.close()
        super().close()


class _NoCookies(RequestsCookieJar):
    """Keeps no cookie: what one answer sets must not travel with the next request."""

    def set_cookie(self, cookie: Any, *args: Any, **kwargs: Any) -> None:
        """Drop the cookie."""


def read_body(response: requests.Response, largest: int) -> bytes:
    """Return the decompressed body, or its beginning of one byte more than the largest size in bytes.

    What requests reads by itself has no limit: a few kilobytes could become gigabytes.
    """
    body = bytearray()
    for chunk in response.raw.stream(_CHUNK, decode_content=True):
        body += chunk[: largest + 1 - len(body)]
        if len(body) > largest:
            break
    return bytes(body)


def plain_session() -> requests.Session:
    """Return a session that takes nothing from the environment and remembers nothing."""
    session = requests.Session()
    session.trust_env = False
    session.cookies = _NoCookies()
    for scheme in ("http://", "https://"):
        session.mount(scheme, DeadlineAdapter())
    return session
