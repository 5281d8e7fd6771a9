"""The wire: what every answer carries, keep-alive, and requests that are none."""

import contextlib
import logging
import socket
import threading
from urllib.parse import urlsplit

import pytest
import requests

from replication.sandbox import PortTaken, Sandbox
from tests.sandbox.visitor import Visitor, code_of


def connect(visitor):
    address = urlsplit(visitor.url)
    return socket.create_connection((address.hostname, address.port), timeout=10)


def exchange(visitor, content):
    """Send bytes and answer with all that comes back until the sandbox closes the connection."""
    with connect(visitor) as connection:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_every_answer_carries_a_request_id_of_its_own(visitor):
    answers = [
        visitor.get("vaults"),
        visitor.get("vaults", limit="x"),
        visitor.get("nothing"),
        visitor.control("GET", "world"),
        requests.get(visitor.url, timeout=10),
        requests.post(f"{visitor.url}/v3/auth/tokens", timeout=10),
    ]

    assert len({answer.headers["X-Request-Id"] for answer in answers}) == len(answers)


def test_a_date_follows_the_clock_of_the_cloud(visitor):
    before = visitor.get("vaults").headers["Date"]
    visitor.advance(3600 * 5)

    assert visitor.get("vaults").headers["Date"] != before


def test_a_connection_serves_many_calls_also_after_refusals(visitor):
    address = urlsplit(visitor.url)
    call = f"POST /v3/x/nowhere HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 4\r\n\r\nbody"

    received = exchange(visitor, (call * 3).encode())

    assert received.count(b"HTTP/1.1 404 Not Found") == 3


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v4", 404),
        ("GET", "/v3/x", 404),
        ("GET", "/v3/%ff%fe/vaults/%00", 401),
        ("DELETE", "/v3/x/vaults", 405),
        ("PUT", "/v3/auth/tokens", 405),
        ("PATCH", "/v3/x/checkpoints/replicate", 405),
        ("BREW", "/v3/x/vaults", 405),
    ],
)
def test_what_is_no_call_of_the_reference_is_refused_in_the_gateways_words(visitor, method, path, status):
    answer = requests.request(method, visitor.url + path, timeout=10)

    assert answer.status_code == status
    assert answer.json().keys() == {"error_code", "error_msg", "request_id"}


def test_a_head_answers_without_a_body(visitor):
    answer = visitor.session.head(f"{visitor.url}/v3/{visitor.project_id}/vaults", timeout=10)

    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /v3 HTTP/7.0\r\n\r\n", 505),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET /v3 HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
        (b"POST /v3/x/vaults HTTP/1.1\r\nHost: h\r\nContent-Length: many\r\n\r\n", 400),
        (b"POST /v3/x/vaults HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /v3/x/vaults HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"POST /v3/x/vaults HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"GET /v3 HTTP/1.1\r\nHost: <bad host>\r\nConnection: close\r\n\r\n", 200),
        (b"GET /v3?%zz=%ff&&= HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 200),
    ],
)
def test_a_malformed_request_is_answered_in_json_and_never_with_a_traceback(visitor, content, status):
    received = exchange(visitor, content)

    head, body = received.split(b"\r\n\r\n", 1)
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Content-Type: application/json" in head
    assert b"Traceback" not in body


def test_a_request_cut_in_the_middle_changes_nothing(visitor):
    head = (
        f"POST /v3/{visitor.project_id}/checkpoints/replicate HTTP/1.1\r\nHost: h\r\n"
        f"X-Auth-Token: {visitor.session.headers['X-Auth-Token']}\r\nContent-Length: 500\r\n\r\n"
    )

    received = exchange(visitor, head.encode() + b'{"replicate": {')

    assert received == b""
    assert visitor.accepted() == []


def test_the_end_of_a_sandbox_joins_its_threads_though_clients_stay_connected():
    before = set(threading.enumerate())

    with Sandbox() as sandbox:
        address = urlsplit(sandbox.url)
        clients = [socket.create_connection((address.hostname, address.port), timeout=10) for _ in range(5)]
        requests.get(f"{sandbox.url}/v3", timeout=10)
    for client in clients:
        client.close()

    assert set(threading.enumerate()) == before


def test_a_taken_port_is_named(sandbox):
    with pytest.raises(PortTaken, match=f"Cannot listen on port {sandbox.port}"):
        Sandbox(port=sandbox.port)


def test_a_port_that_is_free_again_can_be_used_again():
    with Sandbox() as first:
        port = first.port
        requests.get(f"{first.url}/v3", timeout=10)

    with Sandbox(port=port) as second:
        assert requests.get(f"{second.url}/v3", timeout=10).ok


def test_a_client_that_goes_away_leaves_no_error_in_the_log(caplog):
    with Sandbox() as sandbox, contextlib.closing(Visitor(sandbox)) as visitor:
        visitor.spoil("vaults.list", "huge_body", megabytes=50)
        answer = visitor.session.get(f"{visitor.url}/v3/{visitor.project_id}/vaults", stream=True, timeout=10)
        answer.close()

    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_many_operators_at_once_start_one_replication(visitor):
    order, url = visitor.order(), f"{visitor.url}/v3/{visitor.project_id}/checkpoints/replicate"
    headers = dict(visitor.session.headers)
    barrier, answers = threading.Barrier(8), []

    def trigger():
        barrier.wait()
        answers.append(requests.post(url, json=order, headers=headers, timeout=10))

    threads = [threading.Thread(target=trigger) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    refusals = [code_of(answer) for answer in answers if not answer.ok]
    assert refusals == [(400, "BackupService.6130")] * 7
    assert len(visitor.accepted()) == 1
