"""The one call that starts something: sent once, whatever happens, and never called a success without proof."""

import gzip
import json
import socket
import threading
import time
import tracemalloc

import pytest

from replication.cloud import (
    AcceptedBackup,
    AcceptedReplication,
    CbrClient,
    CloudError,
    NotDelivered,
    NotFound,
    OutcomeUnknown,
    Refused,
    ReplicateOrder,
    SignInFailed,
    Throttled,
)
from replication.cloud.transport import Limits
from tests.cloud.raw_server import PROJECT_ID, TOKEN, answer, document, token_answer

ORDER = ReplicateOrder(
    vault_id="3b5816b5-f29c-4172-9d9a-76c719a659ce",
    destination_region="region2",
    destination_project_id="68589cac08274b82b4e254268a3862d8",
    destination_vault_id="0ca3eb86-8800-46da-9c37-9d657a825274",
)
LIMITS = Limits(connect=0.3, read=0.3, total=0.6, largest=1024 * 1024)


@pytest.fixture
def replicate(serve_cbr, sign_in_to):
    """Send the documented order to a server that answers as told; return the outcome and the server."""

    def send(respond, order=ORDER, limits=LIMITS):
        server = serve_cbr(respond if callable(respond) else lambda request: respond)
        client = CbrClient(sign_in_to(server), replicate_limits=limits)
        try:
            return client.replicate(order), server
        except CloudError as error:
            return error, server

    return send


def facts(error):
    return type(error), error.http_status, error.code, error.request_id


def test_replicate_sends_the_documented_request_and_reads_the_documented_answer(replicate):
    body = document("replicate_answer")

    accepted, server = replicate(answer(200, body, {"X-Request-Id": "req-7"}))

    (post,) = server.posts
    assert post.path == f"/v3/{PROJECT_ID}/checkpoints/replicate"
    assert post.document == document("replicate_request")
    assert post.headers["x-auth-token"] == TOKEN
    assert accepted == AcceptedReplication(
        vault_id="3b5816b5-f29c-4172-9d9a-76c719a659ce",
        source_region="region1",
        destination_region="region2",
        destination_project_id="68589cac08274b82b4e254268a3862d8",
        destination_vault_id="0ca3eb86-8800-46da-9c37-9d657a825274",
        project_id="4229d7a45436489f8c3dc2b1d35d4987",
        provider_id="0daac4c5-6707-4851-97ba-169e36266b66",
        backups=(
            AcceptedBackup("7558e1a3-7046-4787-95cd-14b0ad0642a8", "de128dfa-5451-4905-9c11-8fc842b2f41e"),
            AcceptedBackup("6df2b54c-dd62-4059-a07c-1b8f24f2725d", "892a7d1e-17c8-4751-ad75-cfbed7051857"),
            AcceptedBackup("aa00034d-ef40-443d-ab7a-dc846d988cdf", "8bf5ce8f-bfa1-4d57-98de-d6159ab9d86d"),
        ),
        request_id="req-7",
        document=body,
    )


def test_replicate_accepts_an_empty_list_of_backups(replicate):
    body = document("replicate_answer_empty")
    echo = body["replication"]
    order = ReplicateOrder(
        vault_id=echo["vault_id"],
        destination_region=echo["destination_region"],
        destination_project_id=echo["destination_project_id"],
        destination_vault_id=echo["destination_vault_id"],
    )

    accepted, _ = replicate(answer(200, body), order)

    assert accepted.backups == ()


def hang(connection):
    connection.recv(1)


def drip_headers(connection):
    while True:
        connection.sendall(b"H")
        time.sleep(0.05)


def flood_with_100(connection):
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def drip_body(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.05)


def drip_body_without_end(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + json.dumps(document("replicate_answer")).encode())
    while True:
        connection.sendall(b" ")
        time.sleep(0.05)


def close(connection):
    connection.close()


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    connection.close()


def say(raw):
    def script(connection):
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)

    script.__name__ = repr(raw[:30])
    return script


WHOLE = answer(200, document("replicate_answer"))
LOST = [
    hang,
    drip_headers,
    flood_with_100,
    drip_body,
    drip_body_without_end,
    close,
    reset,
    say(WHOLE[:-20]),
    say(b"HTTP/1.1 200 OK\r\n"),
    say(b"HTTP/1.1 banana\r\n\r\n"),
    say(b"\x16\x03\x01\x00\x00"),
    say(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}"),
    say(b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\n{}"),
    say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}"),
    say(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n{}"),
    say(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n{}"),
    say(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"),
    say(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    say(b"HTTP/1.1 400 Bad\r\nContent-Length: 1000\r\n\r\n{"),
]


@pytest.mark.parametrize("script", LOST, ids=lambda script: script.__name__)
def test_replicate_is_unknown_when_the_answer_is_lost_and_is_sent_once(replicate, script):
    error, server = replicate(lambda request: script)

    assert type(error) is OutcomeUnknown
    assert len(server.posts) == 1
    print(error)
