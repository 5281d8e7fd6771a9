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
        server = serve_cbr(respond if callable(respond) else lambda _request: respond)
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
    say(b"HTTP/1.1 400 Bad\r\nContent-Length: 1000\r\n\r\n{"),
]


@pytest.mark.parametrize("script", LOST, ids=lambda script: script.__name__)
def test_replicate_is_unknown_when_the_answer_is_lost_and_is_sent_once(replicate, script):
    error, server = replicate(lambda _request: script)

    assert facts(error) in [(OutcomeUnknown, None, "no_answer", ""), (OutcomeUnknown, 200, "bad_answer", "")]
    assert len(server.posts) == 1


@pytest.mark.parametrize("status", [101, 201, 202, 204, 206, 408, 499, 500, 502, 503, 504, 599, 999])
def test_replicate_is_unknown_when_the_status_does_not_tell(replicate, status):
    error, server = replicate(answer(status, b"", {"X-Request-Id": "req-8"}))

    code = "bad_answer" if status < 300 else ""
    assert facts(error) == (OutcomeUnknown, status, code, "req-8")
    assert len(server.posts) == 1


DOCUMENTED = document("errors")["errors"]
KINDS = {401: SignInFailed, 404: NotFound, 429: Throttled}


@pytest.mark.parametrize("case", DOCUMENTED, ids=lambda case: case["name"])
def test_replicate_reads_every_documented_error(replicate, case):
    body = case["body"] if "body" in case else case["text"].encode()
    kind = KINDS.get(case["http_status"], Refused if case["http_status"] < 500 else OutcomeUnknown)

    error, server = replicate(
        answer(case["http_status"], body, {"Content-Type": case["content_type"], **case.get("headers", {})})
    )

    request_id = case["body"].get("request_id", "") if "body" in case else ""
    assert facts(error) == (kind, case["http_status"], case["error_code"], request_id)
    assert (error.region, error.method, error.path) == (
        "eu-de",
        "POST",
        f"/v3/{PROJECT_ID}/checkpoints/replicate",
    )
    assert len(server.posts) == 1


@pytest.mark.parametrize("status", [400, 402, 403, 405, 406, 409, 413, 415, 421, 425, 451])
def test_replicate_is_refused_by_a_complete_4xx_without_a_code(replicate, status):
    error, _ = replicate(answer(status))

    assert facts(error) == (Refused, status, "", "")


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_replicate_is_refused_by_a_redirect_and_follows_none(replicate, serve, status):
    elsewhere = serve(lambda _request: answer(200, document("replicate_answer")))

    error, server = replicate(answer(status, b"", {"Location": f"{elsewhere.url}/v3/x?token=1"}))

    assert facts(error) == (Refused, status, "redirect", "")
    assert "misrouted" in error.message
    assert "127.0.0.1" in error.message
    assert (len(server.posts), elsewhere.received) == (1, [])


def test_replicate_is_refused_by_a_redirect_to_nowhere(replicate):
    error, _ = replicate(answer(307, b"", {"Location": "http://[half/an/address"}))

    assert facts(error) == (Refused, 307, "redirect", "")


def test_replicate_answered_401_forgets_the_token_and_does_not_send_again(serve, sign_in_to):
    tokens = iter(["first", "second"])

    def respond(request):
        if request.path == "/v3":
            return answer(404)
        if request.path == "/v3/auth/tokens":
            return token_answer(next(tokens))
        return answer(
            401 if request.headers["x-auth-token"] == "first" else 200, document("replicate_answer")
        )

    server = serve(respond)
    client = CbrClient(sign_in_to(server))

    with pytest.raises(SignInFailed):
        client.replicate(ORDER)
    assert len(server.posts) == 1
    client.replicate(ORDER)

    assert [post.headers["x-auth-token"] for post in server.posts] == ["first", "second"]


def changed(**members):
    body = document("replicate_answer")
    body["replication"] |= members
    return body


def without(name):
    body = document("replicate_answer")
    del body["replication"][name]
    return body


RECORD = {"backup_id": "b-1", "replication_record_id": "r-1"}
WRONG_SHAPES = [
    (b"", "not JSON"),
    (b"null", "expected an object"),
    (b"<html>Service unavailable</html>", "not JSON"),
    (b"\xff\xfe{}", "not UTF-8"),
    (b"[" * 100_000, "nested too deep"),
    (b'{"replication": NaN}', "NaN"),
    (b'{"replication": {}, "replication": {}}', "twice"),
    ({}, "replication: missing"),
    ({"replication": []}, "replication: expected an object, got a list"),
    (without("backups"), "replication.backups: missing"),
    (changed(backups=None), "replication.backups: missing"),
    (changed(backups={}), "replication.backups: expected a list"),
    (changed(backups=["r-1"]), "replication.backups[0]: expected an object"),
    (
        changed(backups=[RECORD, {"backup_id": "b-2"}]),
        "replication.backups[1].replication_record_id: missing",
    ),
    (changed(backups=[{"replication_record_id": "r-1"}]), "replication.backups[0].backup_id: missing"),
    (changed(backups=[{**RECORD, "backup_id": 5}]), "replication.backups[0].backup_id: expected an id"),
    (
        changed(backups=[{**RECORD, "backup_id": "x" * 65}]),
        "replication.backups[0].backup_id: expected an id",
    ),
    (changed(backups=[RECORD, {**RECORD, "backup_id": "b-2"}]), "a replication_record_id stands twice"),
    (changed(vault_id="another"), "replication.vault_id: the answer is about 'another'"),
    (changed(destination_vault_id="another"), "replication.destination_vault_id: the answer is about"),
    (changed(destination_region="region3"), "replication.destination_region: the answer is about"),
    (changed(destination_project_id="another"), "replication.destination_project_id: the answer is about"),
    (without("vault_id"), "replication.vault_id: missing"),
]


@pytest.mark.parametrize(("body", "named"), WRONG_SHAPES, ids=[named for _, named in WRONG_SHAPES])
def test_replicate_is_unknown_and_names_the_field_when_a_200_has_another_shape(replicate, body, named):
    error, server = replicate(answer(200, body, {"X-Request-Id": "req-9"}))

    assert facts(error) == (OutcomeUnknown, 200, "bad_answer", "req-9")
    assert named in error.message
    assert len(server.posts) == 1


def test_replicate_keeps_the_first_bytes_of_an_unreadable_answer_without_the_token(replicate):
    error, _ = replicate(answer(200, f"<p>Hello {TOKEN},\nyour password{'!' * 1000}".encode()))

    assert error.evidence.startswith("<p>Hello [secret], your password!!!")
    assert len(error.evidence) == 501
    assert TOKEN not in repr(error) + str(error)


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_replicate_stops_reading_at_the_cap(replicate, encoding):
    plain = b'{"replication": "' + b" " * 200_000_000
    body = gzip.compress(plain, 1) if encoding == "gzip" else plain[: 8 * 1024 * 1024]
    tracemalloc.start()

    error, _ = replicate(
        answer(200, body, {"Content-Encoding": encoding}), limits=Limits(1, 5, 20, 1024 * 1024)
    )

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert facts(error) == (OutcomeUnknown, 200, "bad_answer", "")
    assert "larger than any that is documented" in error.message
    assert peak < 20_000_000


def test_replicate_is_not_delivered_when_nobody_listens(replicate, serve_cbr, sign_in_to):
    server = serve_cbr(lambda _request: answer())
    credentials = sign_in_to(server)
    client = CbrClient(credentials)
    assert client.project_id == PROJECT_ID
    server.close()

    with pytest.raises(NotDelivered) as caught:
        client.replicate(ORDER)

    assert type(caught.value) is NotDelivered
    assert str(caught.value) == "No connection to 127.0.0.1: connection refused. Nothing was sent."


def test_replicate_leaves_no_thread_behind_that_could_send_later(replicate):
    before = threading.active_count()

    error, server = replicate(lambda _request: hang)

    server.close()
    assert type(error) is OutcomeUnknown
    assert threading.active_count() == before
