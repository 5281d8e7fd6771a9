"""Raw servers, certificates for them, and credentials that sign in to them."""

import ipaddress
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from replication.cloud import Credentials, cloud_from_options
from tests.cloud.raw_server import RawServer, Received, Respond, token_answer

Serve = Callable[..., RawServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that end with the test."""
    started: list[RawServer] = []

    def start(respond: Respond, **how: Any) -> RawServer:
        started.append(RawServer(respond, **how))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def serve_cbr(serve: Serve) -> Serve:
    """Start servers that sign everybody in and leave the other requests to the test."""

    def start(respond: Respond) -> RawServer:
        def sign_in_or_respond(request: Received) -> object:
            if request.path == "/v3":
                return b"HTTP/1.1 404 None\r\nContent-Length: 0\r\n\r\n"
            return token_answer() if request.path == "/v3/auth/tokens" else respond(request)

        return serve(sign_in_or_respond)

    return start


@pytest.fixture
def sign_in_to() -> Callable[[RawServer], Credentials]:
    """Make credentials of a user of a server, for a project in eu-de."""

    def credentials(server: RawServer) -> Credentials:
        return cloud_from_options(
            "here",
            auth={
                "auth_url": f"{server.url}/v3",
                "username": "replication",
                "password": "correct horse",
                "user_domain_name": "OTC-EU-DE-00000000001000042",
                "project_name": "eu-de_production",
                "project_domain_name": "OTC-EU-DE-00000000001000042",
            },
            region="eu-de",
            cbr_endpoint_override=server.url,
        )

    return credentials


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
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
    path = tmp_path_factory.mktemp("tls") / "loopback.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def tls(certificate):
    """Serve with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
