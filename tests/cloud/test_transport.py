"""Reads are repeated a little, never blindly; a token is renewed once; logs tell each call and no secret."""

import logging

import pytest

from replication.cloud import (
    CloudError,
    NotDelivered,
    NotFound,
    OutcomeUnknown,
    Refused,
    SignInFailed,
    Throttled,
    Unreadable,
)
from replication.cloud.transport import Limits, ReadTransport
from tests.cloud.raw_server import TOKEN, answer, document, token_answer

LIMITS = Limits(connect=1, read=0.2, total=2, largest=1000)


@pytest.fixture
def reading(serve_cbr, sign_in_to):
    """Read once from a server; return the outcome, the server, and the pauses that were made."""
    transports = []

    def read(respond, *, query=(), path="/v3/p/vaults"):
        server = serve_cbr(respond if callable(respond) else lambda _: respond)
        pauses = []
        transports.append(ReadTransport(sign_in_to(server), limits=LIMITS, sleep=pauses.append))
        try:
            return transports[-1].get(f"{server.url}{path}", query), server, pauses
        except CloudError as error:
            return error, server, pauses

    yield read
    for transport in transports:
        transport.close()


def reads(server):
    return [request for request in server.received if request.method == "GET" and request.path != "/v3"]


def in_turn(*answers):
    """Answer the requests one after the other, and the later ones like the last."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def test_a_read_carries_token_and_query_and_returns_the_whole_answer(reading):
    got, server, pauses = reading(
        answer(200, {"vaults": []}, {"X-Request-Id": "req-1"}), query=[("name", "a b&c"), ("limit", "2")]
    )

    (request,) = reads(server)
    assert (request.path, request.query) == ("/v3/p/vaults", (("name", "a b&c"), ("limit", "2")))
    assert request.headers["x-auth-token"] == TOKEN
    assert (got.http_status, got.body, got.request_id, pauses) == (200, b'{"vaults": []}', "req-1", [])


def test_reads_share_a_connection(serve_cbr, sign_in_to):
    server = serve_cbr(lambda _: answer(200, b"{}"))
    transport = ReadTransport(sign_in_to(server))
    transport.get(f"{server.url}/v3/p/vaults")
    before = server.connections

    for _ in range(5):
        transport.get(f"{server.url}/v3/p/vaults")

    transport.close()
    assert server.connections == before


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_read_is_tried_again_after_a_passing_failure(reading, status):
    got, server, pauses = reading(in_turn(answer(status), answer(200, b"{}")))

    assert (got.http_status, len(reads(server)), len(pauses)) == (200, 2, 1)


def test_a_read_is_given_up_after_three_passing_failures(reading):
    error, server, pauses = reading(answer(503, b"", {"X-Request-Id": "req-2"}))

    assert (type(error), error.http_status, error.request_id) == (OutcomeUnknown, 503, "req-2")
    assert len(reads(server)) == 3
    assert [0.25 <= pauses[0] <= 0.75, 0.5 <= pauses[1] <= 1.5] == [True, True]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (204, Unreadable),
        (206, Unreadable),
        (302, Refused),
        (400, Refused),
        (403, Refused),
        (404, NotFound),
        (408, OutcomeUnknown),
        (500, OutcomeUnknown),
        (501, OutcomeUnknown),
    ],
)
def test_a_read_is_not_repeated_when_that_would_bring_the_same(reading, status, kind):
    error, server, pauses = reading(answer(status))

    assert (type(error), error.http_status, len(reads(server)), pauses) == (kind, status, 1, [])


def test_a_throttled_read_waits_as_long_as_the_cloud_asks(reading):
    throttled = answer(429, b"", {"Retry-After": "7"})

    got, _, pauses = reading(in_turn(throttled, throttled, answer(200, b"{}")))

    assert (got.http_status, pauses) == (200, [7.0, 7.0])


def test_a_throttled_read_leaves_a_long_wait_to_whoever_asked(reading):
    error, server, pauses = reading(answer(429, b"", {"Retry-After": "90"}))

    assert (type(error), error.retry_after, len(reads(server)), pauses) == (Throttled, 90.0, 1, [])


def test_a_read_is_tried_again_when_the_connection_breaks(reading):
    got, server, pauses = reading(in_turn(lambda _: None, answer(200, b"{}")))

    assert (got.http_status, len(reads(server)), len(pauses)) == (200, 2, 1)


def test_a_read_whose_answers_never_come_is_unknown(reading):
    error, server, pauses = reading(lambda _: lambda connection: connection.recv(1))

    assert (type(error), len(reads(server)), len(pauses)) == (OutcomeUnknown, 3, 2)


def test_a_read_without_a_server_is_not_delivered(serve_cbr, serve, sign_in_to):
    gone = serve(lambda _: answer())
    gone.close()
    pauses = []
    transport = ReadTransport(sign_in_to(serve_cbr(lambda _: answer())), sleep=pauses.append)

    with pytest.raises(NotDelivered, match="connection refused") as caught:
        transport.get(f"{gone.url}/v3/p/vaults")

    transport.close()
    assert (type(caught.value), len(pauses)) == (NotDelivered, 2)


def test_a_read_larger_than_the_cap_is_unreadable(reading):
    error, _, _ = reading(answer(200, b"[" + b" " * 2000 + b"]"))

    assert (type(error), error.http_status) == (Unreadable, 200)
    assert "more than we read" in error.message


def renewing(serve, refusal):
    """Serve a cloud that accepts the second token only."""
    tokens = iter(["first", "second", "third"])

    def respond(request):
        if request.path == "/v3":
            return answer(404)
        if request.path == "/v3/auth/tokens":
            return token_answer(next(tokens))
        return answer(200, b"{}") if request.headers["x-auth-token"] == "second" else refusal

    return serve(respond)


@pytest.mark.parametrize(
    "refusal",
    [answer(401), answer(500, {"error_code": "BackupService.9998", "error_msg": "Authentication failed."})],
    ids=["401", "500 with 9998"],
)
def test_a_read_renews_a_refused_token_once(serve, sign_in_to, refusal):
    server = renewing(serve, refusal)
    transport = ReadTransport(sign_in_to(server))

    transport.get(f"{server.url}/v3/p/vaults")
    transport.get(f"{server.url}/v3/p/vaults")

    transport.close()
    assert [request.headers["x-auth-token"] for request in reads(server)] == ["first", "second", "second"]


def test_a_read_refused_with_a_new_token_too_is_a_failed_sign_in(serve_cbr, sign_in_to):
    refusal = next(one for one in document("errors")["errors"] if one["name"] == "gateway_token_refused")
    server = serve_cbr(lambda _: answer(401, refusal["body"]))
    transport = ReadTransport(sign_in_to(server))

    with pytest.raises(SignInFailed) as caught:
        transport.get(f"{server.url}/v3/p/vaults")

    transport.close()
    assert (caught.value.code, caught.value.request_id) == ("APIGW.0301", "6e1f3c0a9b5d4e2f8a7c0d1e2f3a4b5c")
    assert len(reads(server)) == 2


def test_logs_have_one_line_a_call_and_neither_token_password_nor_query(reading, caplog):
    caplog.set_level(logging.DEBUG)

    reading(answer(200, {"said": TOKEN}, {"X-Request-Id": "req-3"}), query=[("name", "private")])

    ours = [record.getMessage() for record in caplog.records if record.name == "replication.cloud"]
    assert [line.split(" in ")[0] for line in ours] == [
        "POST /v3/auth/tokens 201",
        "GET /v3/p/vaults 200",
    ]
    assert [line.split(" ms, ")[1] for line in ours] == ["request id trace-sign-in", "request id req-3"]
    assert "keystoneauth" in " ".join(record.name for record in caplog.records)
    everything = caplog.text
    assert (TOKEN in everything, "correct horse" in everything) == (False, False)
    assert "private" not in " ".join(ours)
