"""The deadline holds against slow and hostile servers, and nothing is sent once it is over."""

import socket
import time

import pytest

from replication.cloud import Misconfigured, NotDelivered, OutcomeUnknown
from replication.cloud.deadline import Attempt, plain_session
from replication.cloud.delivery import DeadlinePassed
from replication.cloud.transport import Limits, send_once
from tests.cloud.raw_server import answer

LIMITS = Limits(connect=5, read=5, total=0.3, largest=1000)
GENEROUS = Limits(connect=5, read=5, total=10, largest=1000)


def send(server, *, scheme="https", limits=GENEROUS, verify=True):
    url = f"{scheme}://{server.url.removeprefix('http://')}/v3/p/checkpoints/replicate"
    return send_once(url, token="t", document={}, region="eu-de", verify=verify, limits=limits)


def test_send_once_trusts_the_authority_that_it_is_given(serve, tls, certificate):
    server = serve(lambda _: answer(200, b"{}"), tls=tls)

    got = send(server, verify=str(certificate))

    assert (got.http_status, got.body, len(server.posts)) == (200, b"{}", 1)


def test_send_once_sends_nothing_to_a_certificate_that_nobody_vouches_for(serve, tls):
    server = serve(lambda _: answer(200, b"{}"), tls=tls)

    with pytest.raises(Misconfigured, match=r"certificate of 127\.0\.0\.1 is not trusted"):
        send(server)

    assert server.received == []


def test_send_once_sends_nothing_in_the_open_when_the_other_side_speaks_no_tls(serve):
    server = serve(lambda _: answer(200, b"{}"))

    with pytest.raises(NotDelivered):
        send(server, limits=LIMITS)

    assert server.posts == []


def silent(connection):
    connection.recv(100_000)
    connection.recv(1)


def dripping(connection):
    connection.sendall(b"\x16\x03\x03\x10\x00")
    while True:
        connection.sendall(b"\x02")
        time.sleep(0.02)


@pytest.mark.parametrize("greet", [silent, dripping])
def test_send_once_is_not_delivered_when_the_handshake_outlasts_the_deadline(serve, greet):
    server = serve(lambda _: answer(200, b"{}"), greet=greet)

    with pytest.raises(NotDelivered, match="did not answer in time") as caught:
        send(server, limits=LIMITS)

    assert type(caught.value) is NotDelivered
    assert server.received == []


def test_send_once_is_unknown_when_an_answer_drips_through_tls(serve, tls, certificate):
    def drip(connection):
        while True:
            connection.sendall(b"H")
            time.sleep(0.02)

    server = serve(lambda _: drip, tls=tls)

    with pytest.raises(OutcomeUnknown, match="did not answer in time"):
        send(server, verify=str(certificate), limits=LIMITS)

    assert len(server.posts) == 1


def test_send_once_is_not_delivered_when_no_connection_is_accepted():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)

        with pytest.raises(NotDelivered, match="did not answer in time"):
            send_once(
                f"http://127.0.0.1:{address[1]}/v3/p", token="t", document={}, limits=Limits(0.2, 5, 5, 10)
            )

        for one in waiting:
            one.close()


def test_nothing_is_sent_over_a_connection_that_stood_only_after_the_deadline(serve):
    server = serve(lambda _: answer(200, b"{}"))

    with plain_session() as session, Attempt(0.05) as attempt:
        time.sleep(0.1)
        with pytest.raises(DeadlinePassed):
            session.post(server.url)

    assert (attempt.sent, attempt.ended, server.received) == (False, True, [])


def test_nothing_is_sent_over_a_kept_connection_after_the_deadline(serve):
    server = serve(lambda _: answer(200, b"{}"))

    with plain_session() as session:
        with Attempt(10):
            session.post(server.url)
        with Attempt(0.05) as late:
            time.sleep(0.1)
            with pytest.raises(DeadlinePassed):
                session.post(server.url)

    assert (late.sent, len(server.received), server.connections) == (False, 1, 1)


def test_a_session_repeats_no_cookie_and_reads_no_proxy(serve, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    server = serve(lambda _: answer(200, b"{}", {"Set-Cookie": "seen=1"}))

    with plain_session() as session:
        session.get(server.url)
        session.get(server.url)

    assert [request.headers.get("cookie") for request in server.received] == [None, None]
