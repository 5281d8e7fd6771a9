"""A server that says exactly what a test tells it to, byte by byte, on a real loopback socket.

For answers that no HTTP library would give. It knows just enough HTTP to find the end of a request.
"""

import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DOCUMENTS = Path(__file__).parent / "documents"
TOKEN = "MIIDkgYJKoZIhvcNAQcCoIIDgzCCA38CAQExDTALBglghkgBZQMEAgEwggHgBgkqhkiG9w0BBwGgggHRBIIB"
PROJECT_ID = "4229d7a45436489f8c3dc2b1d35d4987"

Script = Callable[[socket.socket], None]
Respond = Callable[["Received"], "bytes | Script"]


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came in."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


def document(name: str) -> Any:
    return json.loads((DOCUMENTS / f"{name}.json").read_text(encoding="utf-8"))


def answer(status: int = 200, body: object = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """Build a complete answer; a body that is not bytes is sent as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"Content-Type": "application/json", "Content-Length": str(len(raw)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode("latin-1") + raw


def token_answer(token: str = TOKEN, **changes: Any) -> bytes:
    """Build a successful sign-in; changes replace members of the documented body's token."""
    body = document("auth_token_answer")
    body["token"] |= changes
    return answer(201, body, {"X-Subject-Token": token, "X-IAM-Trace-Id": "trace-sign-in"})


def make_certificate(folder: Path) -> Path:
    """Make a certificate for 127.0.0.1 that only its own file vouches for; return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "loopback.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


def speak_tls_with(certificate: Path) -> ssl.SSLContext:
    """Return what makes a server show this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@dataclass
class RawServer:
    """Accepts on a free port, keeps what it received, and gives back what it is told to."""

    respond: Respond
    #: Wraps each connection in TLS first.
    tls: ssl.SSLContext | None = None
    #: Does with each connection what it likes instead of reading a request.
    greet: Script | None = None
    received: list[Received] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def posts(self) -> list[Received]:
        """Requests that would have started a replication."""
        return [one for one in self.received if one.method == "POST" and "/auth/" not in one.path]

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in [*self._open]:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in [*self._threads]:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if self.greet:
                self.greet(connection)
                return
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            self._answer_requests(connection)

    def _answer_requests(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as reader:
            while request := _read_request(reader):
                self.received.append(request)
                said = self.respond(request)
                if callable(said):
                    said(connection)
                    return
                connection.sendall(said)
                if b"connection: close" in said.lower() or request.headers.get("connection") == "close":
                    return


def _read_request(reader: Any) -> Received | None:
    start = reader.readline().decode("latin-1").split()
    if len(start) < 2:
        # The end, or the beginning of a handshake.
        return None
    headers = {}
    while line := reader.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = reader.read(int(headers.get("content-length", "0")))
    target = urlsplit(start[1])
    return Received(start[0], target.path, tuple(parse_qsl(target.query)), headers, body)
