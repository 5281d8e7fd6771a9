"""Raw servers, certificates for them, and credentials that sign in to them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from replication.cloud import Credentials, cloud_from_options
from tests.cloud.raw_server import (
    RawServer,
    Received,
    Respond,
    make_certificate,
    speak_tls_with,
    token_answer,
)

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
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls(certificate):
    """Serve with that certificate."""
    return speak_tls_with(certificate)
