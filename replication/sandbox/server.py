"""The HTTP server of the sandbox: connections, keep-alive, and faults where they strike on the wire.

It reads requests and sends answers; what an answer says is decided by routes and controls. Built on the standard
library's server, because faults need the socket itself.
"""

import http
import logging
import socket
import sys
import threading
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from werkzeug.wrappers import Request

from replication.sandbox.answers import Answer, Refusal, gateway_refusal
from replication.sandbox.calls import new_request_id
from replication.sandbox.control import PREFIX, Control
from replication.sandbox.faults import Fault, Phase
from replication.sandbox.faulty_answers import answer_instead, spoil
from replication.sandbox.faulty_wire import Message, prepare_reset, send_spoiled
from replication.sandbox.routes import Route, Router
from replication.sandbox.simulation import Simulation

LARGEST_BODY = 12 * 1024 * 1024
IDLE_SECONDS = 120

logger = logging.getLogger("replication.sandbox")


class CloudServer(ThreadingHTTPServer):
    """Listens, gives each connection a thread, and ends all of them when it is closed."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], simulation: Simulation) -> None:
        self.simulation = simulation
        self.router = Router(simulation)
        self.control = Control(simulation)
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        super().__init__(address, Connection)

    def server_bind(self) -> None:
        # The standard server asks the resolver for this host's name here, which may take seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._connections_lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._connections_lock:
            self._connections.discard(request)
        if is_to_be_reset(request):
            # An orderly shutdown would send its own end before the reset.
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the standard server's signature
        error = sys.exception()
        level = logging.DEBUG if isinstance(error, OSError) else logging.ERROR
        logger.log(level, "a call from %s was not answered", client_address, exc_info=error)

    def end_connections(self) -> None:
        """Wake all threads that wait for a client, so that they can be joined."""
        with self._connections_lock:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    logger.debug("a client was gone before its connection was ended")


class Connection(BaseHTTPRequestHandler):
    """One client's connection: any number of calls, each read, answered and perhaps spoiled."""

    server: CloudServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS
    request_id: str

    def respond(self) -> None:
        """Read the rest of one request and answer it."""
        request = self._request()
        self.request_id = new_request_id(self.server.simulation)
        try:
            length = self._content_length()
        except Refusal as refusal:
            self.close_connection = True
            self._send(refusal.answer)
            return
        if request.path.startswith(PREFIX):
            self._send(self.server.control.answer(request, self.rfile.read(length)))
            return
        try:
            route = self.server.router.find(request)
        except Refusal as refusal:
            # A body left unread would be taken for the next request on this connection.
            self.rfile.read(length)
            self._send(refusal.answer)
            return
        self._respond_to(route, request, length)

    # The standard server looks a method up by these names.
    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = respond  # noqa: N815 - see above

    def _respond_to(self, route: Route, request: Request, length: int) -> None:
        simulation = self.server.simulation
        with simulation.lock:
            simulation.received[route.operation.name] += 1
        fault = simulation.faults.take(route.operation.name)
        if fault is not None:
            self.close_connection = True
            if fault.phase is Phase.READING:
                self.rfile.read(length // 2 if "mid_reading" in fault.name else 0)
                self._break_off(fault)
                return
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        if fault is None:
            self._send(self.server.router.answer(route, request, body, self.request_id, None))
        elif fault.phase is Phase.READ:
            self._break_off(fault)
        elif not (
            fault.name == "process_late" and self.server.simulation.closing.wait(fault.parameters["seconds"])
        ):
            self._send_faulty(self._answer_with(fault, route, request, body), fault)

    def _answer_with(self, fault: Fault, route: Route, request: Request, body: bytes) -> Answer:
        simulation = self.server.simulation
        if fault.phase is Phase.INSTEAD and not fault.parameters["processed"]:
            return answer_instead(fault, request.url)
        if fault.name == "expire_token":
            simulation.tokens.revoke(request.headers.get("X-Auth-Token", ""))
        if fault.name == "clock_skew":
            simulation.advance_clock(fault.parameters["seconds"])
        answer = self.server.router.answer(route, request, body, self.request_id, fault)
        if fault.phase is Phase.INSTEAD:
            return answer_instead(fault, request.url)
        return spoil(answer, fault) if fault.phase is Phase.ANSWER else answer

    def _send_faulty(self, answer: Answer, fault: Fault) -> None:
        if fault.name in {"close_after_processing", "reset_after_processing"}:
            self._break_off(fault)
        elif fault.phase is Phase.SENDING:
            self._log(answer)
            send_spoiled(self.connection, self._message(answer), fault, self.server.simulation.closing)
        else:
            self._send(answer)

    def _break_off(self, fault: Fault) -> None:
        logger.info("%s %s %s", self.command, self.path, fault.name)
        if fault.name.startswith("reset"):
            prepare_reset(self.connection)

    def _send(self, answer: Answer) -> None:
        self._log(answer)
        message = self._message(answer)
        if self.command == "HEAD" or answer.status in {204, 304}:
            self.connection.sendall(message.head_bytes())
        else:
            self.connection.sendall(message.encode())

    def _log(self, answer: Answer) -> None:
        logger.info("%s %s %s %s", self.command, self.path, answer.status, self.request_id)

    def _message(self, answer: Answer) -> Message:
        reason = self.responses[answer.status][0] if answer.status in self.responses else "Unnamed"
        headers = {
            "Date": format_datetime(self.server.simulation.clock.now(), usegmt=True),
            "X-Request-Id": self.request_id,
            **({"Content-Type": answer.content_type} if answer.content_type else {}),
            **({"Connection": "close"} if self.close_connection else {}),
            **answer.headers,
        }
        head = (
            f"HTTP/1.1 {int(answer.status)} {reason}",
            *(f"{name}: {value}" for name, value in headers.items()),
        )
        return Message(head, answer.body)

    def _content_length(self) -> int:
        if "Transfer-Encoding" in self.headers:
            raise gateway_refusal(411, "0201", "Bad request: Content-Length is required")
        text = self.headers.get("Content-Length", "0")
        if not (text.isascii() and text.isdigit()):
            raise gateway_refusal(400, "0201", "Bad request: Content-Length is no number")
        if len(text) > len(str(LARGEST_BODY)) or int(text) > LARGEST_BODY:
            raise gateway_refusal(413, "0201", "Request entity too large")
        return int(text)

    def _request(self) -> Request:
        path, _, query = self.path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": self.server.server_name,
            "SERVER_PORT": str(self.server.server_port),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
        }
        for name, value in self.headers.items():
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
        environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
        environ["CONTENT_LENGTH"] = environ.pop("HTTP_CONTENT_LENGTH", "")
        return Request(environ)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002 - the standard server's signature
        """Answer what is no HTTP request in the gateway's words instead of the standard server's HTML."""
        self.request_id = new_request_id(self.server.simulation)
        self.close_connection = True
        if not hasattr(self, "path"):
            self.path = ""
        phrase = message or http.HTTPStatus(code).phrase
        status = 405 if code == http.HTTPStatus.NOT_IMPLEMENTED else code
        self._send(gateway_refusal(status, "0201", f"Bad request: {phrase}").answer)

    def log_message(self, *_: object) -> None:
        """Say nothing: answers are logged where they are sent."""


def is_to_be_reset(connection: socket.socket) -> bool:
    """Tell whether `prepare_reset` was called for a connection."""
    return connection.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER) == 1
