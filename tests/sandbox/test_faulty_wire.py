"""Faults of the connection: closed, reset, late, dripping, cut and lying about lengths."""

import contextlib
import json
import socket
import time
from urllib.parse import urlsplit

import pytest
import requests

from replication.sandbox import Sandbox
from tests.sandbox.visitor import Visitor


def raw_post(visitor, body):
    """Send a replicate call over a bare socket and answer with all bytes that come back."""
    address = urlsplit(visitor.url)
    head = (
        f"POST /v3/{visitor.project_id}/checkpoints/replicate HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"X-Auth-Token: {visitor.session.headers['X-Auth-Token']}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(head.encode() + body)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def order_bytes(visitor):
    return json.dumps(visitor.order()).encode()


@pytest.mark.parametrize(
    ("fault", "processed"),
    [
        ("close_before_reading", 0),
        ("close_mid_reading", 0),
        ("close_before_processing", 0),
        ("close_after_processing", 1),
    ],
)
def test_a_closed_connection_answers_nothing(visitor, fault, processed):
    visitor.spoil("checkpoints.replicate", fault)

    with contextlib.suppress(ConnectionResetError):
        assert raw_post(visitor, order_bytes(visitor)) == b""

    assert len(visitor.accepted()) == processed


@pytest.mark.parametrize("fault", ["drip_headers", "drip_body", "interim_flood"])
def test_the_end_of_a_sandbox_ends_its_pauses(fault):
    with Sandbox() as sandbox, contextlib.closing(Visitor(sandbox)) as visitor:
        visitor.spoil("iam.discovery", fault, pause_seconds=60)
        address = urlsplit(sandbox.url)
        connection = socket.create_connection((address.hostname, address.port), timeout=10)
        connection.sendall(b"GET /v3 HTTP/1.1\r\n\r\n")
        first = connection.recv(1)

    with connection, contextlib.suppress(ConnectionResetError):
        rest = b"".join(iter(lambda: connection.recv(65536), b""))
        assert b"v3.6" not in rest

    assert first == b"H"


@pytest.mark.parametrize(
    ("fault", "processed"),
    [
        ("reset_before_reading", 0),
        ("reset_mid_reading", 0),
        ("reset_before_processing", 0),
        ("reset_after_processing", 1),
    ],
)
def test_a_reset_connection_is_reset(visitor, fault, processed):
    visitor.spoil("checkpoints.replicate", fault)

    with pytest.raises(ConnectionResetError):
        raw_post(visitor, order_bytes(visitor))

    assert len(visitor.accepted()) == processed


def test_a_late_processing_happens_after_the_client_gave_up(visitor):
    visitor.spoil("checkpoints.replicate", "process_late", seconds=0.4)
    url = f"{visitor.url}/v3/{visitor.project_id}/checkpoints/replicate"

    with pytest.raises(requests.ReadTimeout):
        visitor.session.post(url, json=visitor.order(), timeout=0.1)

    assert visitor.accepted() == []
    assert eventually(lambda: len(visitor.accepted()) == 1)


def eventually(condition):
    deadline = time.monotonic() + 10
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_late_answer_was_processed_at_once(visitor):
    visitor.spoil("checkpoints.replicate", "answer_late", seconds=30)
    url = f"{visitor.url}/v3/{visitor.project_id}/checkpoints/replicate"

    with pytest.raises(requests.ReadTimeout):
        visitor.session.post(url, json=visitor.order(), timeout=0.2)

    assert len(visitor.accepted()) == 1


def test_a_sandbox_ends_at_once_although_an_answer_is_late_and_does_nothing_more():
    with Sandbox() as sandbox, contextlib.closing(Visitor(sandbox)) as visitor:
        visitor.spoil("vaults.list", "process_late", seconds=600)
        with pytest.raises(requests.ReadTimeout):
            visitor.session.get(f"{visitor.url}/v3/{visitor.project_id}/vaults", timeout=0.1)


@pytest.mark.parametrize("fault", ["drip_headers", "drip_body"])
def test_a_dripped_answer_arrives_whole(visitor, fault):
    visitor.spoil("checkpoints.replicate", fault, pause_seconds=0)

    received = raw_post(visitor, order_bytes(visitor))

    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert len(json.loads(received.split(b"\r\n\r\n", 1)[1])["replication"]["backups"]) == 14


def test_a_truncated_answer_stops_where_asked(visitor):
    visitor.spoil("checkpoints.replicate", "truncate", share=0.25)

    head, body = raw_post(visitor, order_bytes(visitor)).split(b"\r\n\r\n", 1)

    announced = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
    assert len(body) == announced // 4


@pytest.mark.parametrize("by", [7, -7])
def test_a_wrong_content_length_differs_as_asked(visitor, by):
    visitor.spoil("checkpoints.replicate", "wrong_content_length", by=by)

    head, body = raw_post(visitor, order_bytes(visitor)).split(b"\r\n\r\n", 1)

    assert int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0]) == len(body) + by


def test_chunked_garbage_is_no_chunk(visitor):
    visitor.spoil("vaults.list", "chunked_garbage")

    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        visitor.get("vaults")


def test_a_bad_status_line_is_none(visitor):
    visitor.spoil("checkpoints.replicate", "bad_status_line")

    assert raw_post(visitor, order_bytes(visitor)).startswith(b"HTPT/9 ")


def test_interim_answers_come_before_the_real_one(visitor):
    visitor.spoil("checkpoints.replicate", "interim_flood", number=5, interim_status=102)

    received = raw_post(visitor, order_bytes(visitor))

    assert received.count(b"HTTP/1.1 102 Wait\r\n\r\n") == 5
    assert b"HTTP/1.1 200 OK" in received


def test_a_huge_body_is_valid_json_all_the_same(visitor):
    visitor.spoil("vaults.list", "huge_body", megabytes=3)

    answer = visitor.get("vaults")

    assert len(answer.content) > 3 * 1024 * 1024
    assert answer.json()["count"] == 7
