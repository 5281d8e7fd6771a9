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
        self._is_over = False
        #: Whether a byte of the request may have left this machine.
        self.sent = False
        #: Bytes that the operating system has taken whole; those of a write that failed are not counted.
        self.bytes_written = 0
        #: Whether the watchdog has ended the connections: a body that ended then may be half a body.
        self.ended = False

    def __enter__(self) -> Self:
        self._until = time.monotonic() + self._seconds
        self._outer = _current.set(self)
        _watchdog.guard(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _current.reset(self._outer)
        _watchdog.leave(self)
        with self._lock:
            # From here on the watchdog changes nothing any more, should it be on its way.
            self._is_over = True
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

    @property
    def until(self) -> float:
        """When its time is over, by the monotonic clock."""
        return self._until

    def _refuse_when_over(self) -> None:
        if time.monotonic() >= self._until:
            self.end()
            raise DeadlinePassed("The time for the request was over before it was sent.")

    def end(self) -> None:
        """Shut its connections down, so that whoever waits for them goes on at once."""
        with self._lock:
            if self._is_over:
                return
            self.ended = True
            for watched in self._watched:
                # The other side may have closed it before us.
                with contextlib.suppress(OSError):
                    watched.shutdown(socket.SHUT_RDWR)


class _Watchdog:
    """Ends every attempt whose time is over, with one thread a process: starting one a request costs as much as the request."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget everything: also in a forked process, which has the lock of the other's thread, but not the thread."""
        self._changed = threading.Condition()
        self._guarded: set[Attempt] = set()
        self._thread: threading.Thread | None = None
        #: When the thread wakes by itself; an attempt that ends later need not wake it.
        self._wakes_at = float("inf")

    def guard(self, attempt: Attempt) -> None:
        """End the attempt when its time is over, unless it has left before."""
        with self._changed:
            self._guarded.add(attempt)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                self._thread.start()
            elif attempt.until < self._wakes_at:
                self._changed.notify()

    def leave(self, attempt: Attempt) -> None:
        """Forget an attempt that is over."""
        with self._changed:
            self._guarded.discard(attempt)

    def _watch(self) -> None:
        while True:
            for attempt in self._overdue():
                attempt.end()

    def _overdue(self) -> list[Attempt]:
        """Wait until the time of an attempt is over, and return all of which it is."""
        with self._changed:
            while True:
                now = time.monotonic()
                overdue = [attempt for attempt in self._guarded if attempt.until <= now]
                if overdue:
                    self._guarded.difference_update(overdue)
                    return overdue
                self._wakes_at = min((attempt.until for attempt in self._guarded), default=float("inf"))
                self._changed.wait(None if self._wakes_at == float("inf") else self._wakes_at - now)


_watchdog = _Watchdog()
os.register_at_fork(after_in_child=_watchdog.begin_anew)


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
