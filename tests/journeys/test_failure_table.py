"""Every way in which sending may fail, row by row of the table that the product was designed after.

Each row compares the whole outcome: the replication, its attempt with what is known from the wire, and what the cloud
accepted. Further faults of the same kinds are gone through in `test_faults`.
"""

import json
import socket
import time
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.db import OperationalError
from django.db import connection as database

from replication.cloud.transport import Limits
from replication.models import Attempt, CloudReading
from replication.services import connection, outcome, reconciliation, rounds, submission, triggering
from tests.cloud.raw_server import RawServer, answer, make_certificate, speak_tls_with
from tests.journeys.test_database_away import Outage
from tests.journeys.test_faults import assert_the_rows_say_what_the_cloud_did, to_rest
from tests.journeys.test_sweep import forget_the_sending, sweep
from tests.journeys.wishes import ask
from tests.practice import practising

CLOUD = "sandbox-production"
NOTHING, SOMETHING, EVERYTHING = "nothing", "something", "everything"


@pytest.fixture
def practice(db, settings):
    """One cloud: what the wire does to a request is the same for all."""
    with practising("otc", settings) as practice:
        yield practice


@pytest.fixture
def swept(practice):
    """What the seed has replicated before is known already."""
    sweep(practice)


@pytest.fixture
def serve():
    """Start servers that end with the test."""
    started = []

    def start(respond, **how):
        started.append(RawServer(respond, **how))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def replication(practice, oskar):
    return ask(practice, oskar, source="vault-orders-db", destination="replica-production")


def size_of_request(replication):
    """Bytes of the request that is sent for it, from its first line to the end of its body."""
    client = connection.cbr(CLOUD)
    url = urlsplit(f"{client._credentials.cbr_endpoint()}/checkpoints/replicate")
    body = json.dumps(outcome.Delivery(replication, "", 1).order.to_json())
    headers = {
        "Host": url.netloc,
        "User-Agent": "vault-replication-dashboard",
        "Accept-Encoding": "identity",
        "Accept": "application/json",
        "Connection": "close",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "X-Auth-Token": client._credentials.access().token,
    }
    lines = [f"POST {url.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return sum(len(line) + 2 for line in lines) + 2 + len(body)


def told_of(replication, *, whole=None):
    """What our rows say: status and code, then each attempt with outcome, HTTP status, code and what was written."""
    replication.refresh_from_db()
    words = {0: NOTHING, None: None, whole or size_of_request(replication): EVERYTHING}
    return (replication.status, replication.error_code), [
        (one.outcome, one.http_status, one.error_code, words.get(one.bytes_written, SOMETHING))
        for one in replication.attempts.order_by("number")
    ]


def pause_of(replication, practice):
    return (replication.check_after - practice.now()).total_seconds()


def send_elsewhere(practice, replication, address, *, verify=True, limits=None):
    """Send it as a worker does, while the endpoint moves to another address right after the baseline was read."""
    client, baseline = submission._prepare(replication)
    claim = submission._claim(replication, baseline, "worker-1", practice.now)
    usual = client._credentials, client._replicate_limits
    credentials = connection.credentials.__wrapped__(CLOUD)
    credentials._override, credentials.verify = address, verify
    client._credentials = credentials
    client._replicate_limits = limits or client._replicate_limits
    claim.send(client)
    client._credentials, client._replicate_limits = usual


def of_tls(server):
    return server.url.replace("http:", "https:")


@contextmanager
def port_that_accepts_nobody():
    """A port whose queue of connections is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        yield f"http://127.0.0.1:{full.getsockname()[1]}"
        for one in waiting:
            one.close()


def assert_it_is_sent_once_the_pause_is_over(practice, replication):
    assert 3.5 < pause_of(replication, practice) <= 6
    assert practice.accepted() == []
    practice.advance(seconds=7)
    practice.round()
    assert told_of(replication)[0] == ("running", "")
    assert_the_rows_say_what_the_cloud_did(practice, replication)
    assert len(practice.accepted()) == 1


def assert_nothing_is_sent_by_itself(practice, replication):
    attempts = replication.attempts.count()
    to_rest(practice, replication)
    looks = list(replication.looks.values_list("complete", "found"))
    assert (replication.status, replication.attempts.count(), practice.accepted()) == (
        "unconfirmed",
        attempts,
        [],
    )
    assert len(looks) >= 5
    assert set(looks) == {(True, 0)}


def assert_it_is_adopted(practice, replication):
    to_rest(practice, replication)
    assert (replication.status, len(practice.accepted())) == ("succeeded", 1)
    assert_the_rows_say_what_the_cloud_did(practice, replication)
    assert replication.audit_entries.filter(action="replication.adopted").count() == 1


# 1


@pytest.mark.parametrize("failure", ["name not known", "connection refused", "connect timeout"])
def test_row_1_no_connection_is_sent_again_after_a_pause(practice, replication, failure):
    with port_that_accepts_nobody() as full:
        address = {
            "name not known": "http://nowhere.invalid",
            "connection refused": "http://127.0.0.1:9",
            "connect timeout": full,
        }[failure]
        send_elsewhere(practice, replication, address, limits=Limits(0.3, 5, 5, 1000))

    assert told_of(replication) == (
        ("requested", "unreachable"),
        [("not_delivered", None, "unreachable", NOTHING)],
    )
    assert_it_is_sent_once_the_pause_is_over(practice, replication)


def test_row_1_no_connection_ten_times_is_given_up_and_left_to_a_person(practice, replication):
    pauses = []
    for _attempt in range(10):
        send_elsewhere(practice, replication, "http://127.0.0.1:9")
        replication.refresh_from_db()
        pauses.append(pause_of(replication, practice))
        practice.advance(seconds=pauses[-1] + 1)
    practice.round()

    assert told_of(replication) == (
        ("failed", "unreachable"),
        [("not_delivered", None, "unreachable", NOTHING)] * 10,
    )
    assert practice.accepted() == []
    assert pauses[0] < 7
    assert 240 <= max(pauses) <= 360
    assert "Nothing was sent" in replication.error_message


# 2


def test_row_2_broken_handshake_is_sent_again_after_a_pause(practice, replication, serve):
    server = serve(lambda _: answer(), greet=lambda one: one.sendall(b"HTTP/1.1 400 This is no TLS\r\n\r\n"))

    send_elsewhere(practice, replication, of_tls(server))

    assert told_of(replication) == (
        ("requested", "unreachable"),
        [("not_delivered", None, "unreachable", NOTHING)],
    )
    assert_it_is_sent_once_the_pause_is_over(practice, replication)


def test_row_2_untrusted_certificate_is_told_and_nothing_is_sent(practice, replication, serve, tmp_path):
    server = serve(lambda _: answer(), tls=speak_tls_with(make_certificate(tmp_path)))

    send_elsewhere(practice, replication, of_tls(server))

    assert told_of(replication) == (
        ("requested", "tls"),
        [("not_delivered", None, "tls", NOTHING)],
    )
    assert "The certificate of 127.0.0.1 is not trusted" in replication.error_message
    assert "verification is never switched off" in replication.error_message
    assert server.received == []
    assert practice.accepted() == []


# 3


def test_row_3_timeout_within_the_handshake_is_sent_again_since_no_byte_of_the_request_left(
    practice, replication, serve
):
    server = serve(lambda _: answer(), greet=lambda one: [one.recv(100_000), one.recv(1)])

    send_elsewhere(practice, replication, of_tls(server), limits=Limits(5, 0.3, 0.3, 1000))

    assert told_of(replication) == (
        ("requested", "unreachable"),
        [("not_delivered", None, "unreachable", NOTHING)],
    )
    assert_it_is_sent_once_the_pause_is_over(practice, replication)


# 4


def reset(connection):
    connection.recv(10)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    connection.close()


def close(connection):
    connection.recv(10)
    connection.close()


@pytest.mark.parametrize("end", [reset, close])
def test_row_4_connection_that_broke_before_the_first_byte_is_sent_again(practice, replication, serve, end):
    server = serve(lambda _: answer(), greet=end)

    send_elsewhere(practice, replication, of_tls(server))

    assert told_of(replication) == (
        ("requested", "unreachable"),
        [("not_delivered", None, "unreachable", NOTHING)],
    )
    assert_it_is_sent_once_the_pause_is_over(practice, replication)


# 5


@pytest.mark.parametrize(
    "fault",
    [
        "close_before_reading",
        "reset_before_reading",
        "close_mid_reading",
        "reset_mid_reading",
        "close_before_processing",
        "reset_before_processing",
    ],
)
def test_row_5_connection_that_broke_after_a_byte_is_unclear_and_never_sent_again_by_itself(
    practice, replication, fault
):
    practice.fault(fault)

    practice.round()

    # How much of it was taken before the break came back is a matter of chance.
    told, [(*attempt, written)] = told_of(replication)
    assert (told, attempt) == (("unconfirmed", "no_answer"), ["unknown", None, "no_answer"])
    assert written in {SOMETHING, EVERYTHING}
    assert_nothing_is_sent_by_itself(practice, replication)


@pytest.mark.parametrize("fault", ["close_after_processing", "reset_after_processing"])
def test_row_5_connection_that_broke_after_processing_is_unclear_and_then_found(practice, replication, fault):
    practice.fault(fault)

    practice.round()

    assert told_of(replication) == (
        ("unconfirmed", "no_answer"),
        [("unknown", None, "no_answer", EVERYTHING)],
    )
    assert_it_is_adopted(practice, replication)


# 6


@pytest.mark.parametrize(
    ("fault", "parameters"),
    [
        ("process_late", {"seconds": 1.0}),
        ("answer_late", {"seconds": 1.0}),
        ("drip_headers", {"pause_seconds": 0.05}),
        ("drip_body", {"pause_seconds": 0.05}),
        ("interim_flood", {"number": 1000, "pause_seconds": 0.05}),
    ],
)
def test_row_6_answer_that_does_not_come_in_time_is_unclear_and_then_found(
    practice, replication, monkeypatch, fault, parameters
):
    impatient = Limits(connect=0.5, read=0.3, total=0.5, largest=1024 * 1024)
    monkeypatch.setattr(connection.cbr(CLOUD), "_replicate_limits", impatient)
    practice.fault(fault, **parameters)

    practice.round()

    assert told_of(replication) == (
        ("unconfirmed", "no_answer"),
        [("unknown", None, "no_answer", EVERYTHING)],
    )
    while not practice.accepted():
        time.sleep(0.05)
    assert_it_is_adopted(practice, replication)


# 7


def test_row_7_answer_as_documented_is_accepted(practice, replication):
    practice.round()

    [call] = practice.accepted()
    attempt = replication.attempts.get()
    assert told_of(replication) == (("running", ""), [("accepted", 200, "", EVERYTHING)])
    assert (attempt.cloud_request_id, json.loads(attempt.answer)) == (call["request_id"], call["answer"])
    assert len(attempt.answer_digest) == 64
    assert_the_rows_say_what_the_cloud_did(practice, replication)


# 8


def test_row_8_nothing_left_to_replicate_is_succeeded_at_once(practice, replication, oskar):
    practice.round()
    to_rest(practice, replication)
    again = ask(practice, oskar, source="vault-orders-db", destination="replica-production")

    practice.round()

    assert told_of(again) == (("succeeded", ""), [("accepted", 200, "", EVERYTHING)])
    assert (again.records.count(), again.check_after) == (0, None)
    assert [len(call["record_ids"]) for call in practice.accepted()] == [14, 0]


# 9


@pytest.mark.parametrize(
    ("fault", "parameters", "status"),
    [
        ("truncate", {}, None),
        ("bad_json", {}, 200),
        ("changed_field", {"field": "replication.backups", "value": "many"}, 200),
        ("huge_body", {"megabytes": 2}, 200),
        ("changed_field", {"field": "replication.vault_id", "value": "another"}, 200),
        ("foreign_ids", {}, 200),
        ("duplicate_record_ids", {}, 200),
    ],
)
def test_row_9_success_that_is_not_as_documented_is_unclear_keeps_its_answer_and_is_found(
    practice, replication, fault, parameters, status
):
    practice.fault(fault, **parameters)

    practice.round()

    code = "bad_answer" if status else "no_answer"
    kept = replication.attempts.get().answer
    assert told_of(replication) == (("unconfirmed", code), [("unknown", status, code, EVERYTHING)])
    assert ('"replication"' in kept) == bool(status)
    assert_it_is_adopted(practice, replication)


# 10


@pytest.mark.parametrize("status", [201, 202, 204, 206, 299])
def test_row_10_other_success_is_unclear_and_then_found(practice, replication, status):
    practice.fault("status", status=status)

    practice.round()

    assert told_of(replication) == (
        ("unconfirmed", "bad_answer"),
        [("unknown", status, "bad_answer", EVERYTHING)],
    )
    assert_it_is_adopted(practice, replication)


# 11


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_row_11_redirect_is_not_followed_and_refused_as_a_misrouted_endpoint(
    practice, replication, serve, status
):
    elsewhere = serve(lambda _: answer())
    practice.fault("redirect", status=status, location=f"{elsewhere.url}/v3/elsewhere")

    practice.round()
    to_rest(practice, replication)

    assert told_of(replication) == (("rejected", "redirect"), [("refused", status, "redirect", EVERYTHING)])
    assert "The endpoint is misrouted" in replication.error_message
    assert (practice.accepted(), elsewhere.received) == ([], [])


# 12


@pytest.mark.parametrize("number", [1011, 6105, 6118, 6119, 6120, 6122, 6128, 6129])
def test_row_12_refusal_with_a_code_is_final_and_keeps_the_code(practice, replication, number):
    code = f"BackupService.{number}"
    practice.fault("answer", status=400, code=code, message="So it is.")

    practice.round()
    to_rest(practice, replication)

    assert told_of(replication) == (("rejected", code), [("refused", 400, code, EVERYTHING)])
    assert "So it is." in replication.error_message
    assert practice.accepted() == []


# 13


@pytest.mark.parametrize("code", ["BackupService.6130", "BackupService.1009"])
def test_row_13_being_copied_already_is_refused_and_looked_into_at_once(practice, replication, swept, code):
    practice.fault("answer", status=400, code=code)

    submission.submit(replication.pk, worker_id="worker-1", clock=practice.now)

    due = CloudReading.objects.filter(refresh_after__lte=practice.now() + timedelta(minutes=1))
    assert told_of(replication) == (("rejected", code), [("refused", 400, code, EVERYTHING)])
    # Both are due: the vault is looked at by whoever makes the next round, the inventory is read anew.
    assert replication.check_after <= practice.now()
    assert [reading.cloud for reading in due] == [CLOUD]
    assert practice.accepted() == []


@pytest.mark.parametrize("code", ["BackupService.6130", "BackupService.1009"])
def test_row_13_being_copied_already_after_sending_again_is_unclear_since_that_may_be_us(
    practice, replication, oskar, code
):
    practice.fault("records_visible_after", seconds=5 * 3600)
    practice.lose_the_answer_of(replication)
    for _look in range(9):
        practice.advance(minutes=20)
        practice.round()
    replication.refresh_from_db()
    triggering.rearm_replication(actor=oskar, replication=replication, reason="No trace", now=practice.now())
    practice.fault("answer", status=400, code=code)

    practice.round()

    assert told_of(replication) == (
        ("unconfirmed", code),
        [("abandoned", None, "", None), ("unknown", 400, code, EVERYTHING)],
    )
    assert_it_is_adopted(practice, replication)


# 14


def test_row_14_refused_token_is_sent_again_with_a_new_one(practice, replication):
    practice.fault("expire_token")

    practice.round()

    # It is known by its old token how long the first request was.
    (told, [attempt]) = told_of(replication)
    assert (told[0], attempt[:2]) == ("requested", ("not_delivered", 401))
    assert attempt[3] != NOTHING
    assert_it_is_sent_once_the_pause_is_over(practice, replication)


# 15


@pytest.mark.parametrize("status", [403, 404, 405, 406, 413, 415])
def test_row_15_refusal_of_the_gateway_is_final(practice, replication, status):
    practice.fault("answer", status=status, shape="gateway", code="APIGW.0302")

    practice.round()
    to_rest(practice, replication)

    assert told_of(replication) == (
        ("rejected", "APIGW.0302"),
        [("refused", status, "APIGW.0302", EVERYTHING)],
    )
    assert practice.accepted() == []


# 16


def test_row_16_conflict_is_refused_and_looked_into_at_once(practice, replication, swept):
    practice.fault("answer", status=409, code="BackupService.9900")

    submission.submit(replication.pk, worker_id="worker-1", clock=practice.now)

    due = CloudReading.objects.filter(refresh_after__lte=practice.now() + timedelta(minutes=1))
    assert told_of(replication) == (
        ("rejected", "BackupService.9900"),
        [("refused", 409, "BackupService.9900", EVERYTHING)],
    )
    # Both are due: the vault is looked at by whoever makes the next round, the inventory is read anew.
    assert replication.check_after <= practice.now()
    assert [reading.cloud for reading in due] == [CLOUD]
    assert practice.accepted() == []


# 17


@pytest.mark.parametrize(
    ("asked", "shortest", "longest"), [("40", 39, 40), ("99999999", 599, 600), ("soon", 3, 6)]
)
def test_row_17_throttling_is_waited_for_as_long_as_asked_but_ten_minutes_at_most(
    practice, replication, asked, shortest, longest
):
    practice.fault("throttle", retry_after=asked)

    practice.round()

    told = told_of(replication)
    pause = pause_of(replication, practice)
    practice.advance(seconds=shortest - 2)
    practice.round()
    early = practice.accepted()
    practice.advance(seconds=10)
    practice.round()
    assert told == (
        ("requested", "APIGW.0308"),
        [("not_delivered", 429, "APIGW.0308", EVERYTHING)],
    )
    assert shortest <= pause <= longest
    assert (early, told_of(replication)[0], len(practice.accepted())) == ([], ("running", ""), 1)


# 18


@pytest.mark.parametrize("processed", [False, True])
def test_row_18_unavailable_is_unclear_even_when_it_asks_to_come_again(practice, replication, processed):
    practice.fault("answer", status=503, shape="empty", headers={"Retry-After": "5"}, processed=processed)

    practice.round()

    assert told_of(replication) == (("unconfirmed", ""), [("unknown", 503, "", EVERYTHING)])
    if processed:
        assert_it_is_adopted(practice, replication)
    else:
        assert_nothing_is_sent_by_itself(practice, replication)


# 19


@pytest.mark.parametrize("code", ["BackupService.1005", "BackupService.9998"])
def test_row_19_fault_that_sounds_like_a_refusal_is_unclear_and_looked_for_within_a_minute(
    practice, replication, code
):
    practice.fault("answer", status=500, code=code)

    practice.round()

    # 9998 makes the token be renewed, and with it the size of a request.
    told, [(*attempt, written)] = told_of(replication)
    assert (told, attempt) == (("unconfirmed", code), ["unknown", 500, code])
    assert written != NOTHING
    assert 0 < pause_of(replication, practice) <= 60
    assert_nothing_is_sent_by_itself(practice, replication)


# 20


@pytest.mark.parametrize("processed", [False, True])
@pytest.mark.parametrize("status", [500, 502, 504, 408])
def test_row_20_fault_of_the_cloud_is_unclear(practice, replication, status, processed):
    practice.fault("answer", status=status, shape="html", processed=processed)

    practice.round()

    assert told_of(replication) == (("unconfirmed", ""), [("unknown", status, "", EVERYTHING)])
    if processed:
        assert_it_is_adopted(practice, replication)
    else:
        assert_nothing_is_sent_by_itself(practice, replication)


# 21


@pytest.mark.parametrize("processed", [False, True])
def test_row_21_worker_that_died_while_sending_is_unclear_after_its_lease(practice, replication, processed):
    if processed:
        practice.lose_the_answer_of(replication)
    else:
        submission._claim(replication, *submission._prepare(replication)[1:], "worker-1", practice.now)
    practice.advance(seconds=submission.CLAIM.total_seconds() - 5)
    practice.round("worker-2")
    before = told_of(replication)

    practice.advance(seconds=10)
    reconciliation.release_dead_claims(practice.now())

    assert before == (("submitting", ""), [("pending", None, "", None)])
    assert told_of(replication) == (("unconfirmed", "worker_lost"), [("abandoned", None, "", None)])
    if processed:
        assert_it_is_adopted(practice, replication)
    else:
        assert_nothing_is_sent_by_itself(practice, replication)


# 22


def test_row_22_frozen_worker_that_wakes_up_unnoticed_sends_nothing_and_puts_it_back(practice, replication):
    client, baseline = submission._prepare(replication)
    claim = submission._claim(replication, baseline, "worker-1", practice.now)
    practice.advance(minutes=2)

    claim.send(client)

    assert told_of(replication) == (("requested", ""), [("not_delivered", None, "", NOTHING)])
    assert practice.accepted() == []


def test_row_22_frozen_worker_that_was_thought_dead_sends_nothing_and_decides_nothing(practice, replication):
    client, baseline = submission._prepare(replication)
    claim = submission._claim(replication, baseline, "worker-1", practice.now)
    practice.advance(minutes=5)
    practice.round("worker-2")

    claim.send(client)

    assert told_of(replication) == (("unconfirmed", "worker_lost"), [("not_delivered", None, "", NOTHING)])
    assert replication.audit_entries.filter(action="replication.late_answer").count() == 1
    assert_nothing_is_sent_by_itself(practice, replication)


def test_row_22_answer_that_a_frozen_worker_brings_after_a_person_has_sent_again_is_only_kept(
    practice, replication, oskar
):
    client, baseline = submission._prepare(replication)
    claim = submission._claim(replication, baseline, "worker-1", practice.now)
    practice.fault("answer", status=500)
    with pytest.raises(outcome.OutcomeUnknown) as lost:
        client.replicate(claim.delivery.order, transcript=claim.delivery.transcript)
    for _look in range(9):
        practice.advance(minutes=20)
        practice.round("worker-2")
    replication.refresh_from_db()
    triggering.rearm_replication(actor=oskar, replication=replication, reason="No trace", now=practice.now())
    practice.round("worker-2")

    claim._store(lost.value)

    assert told_of(replication) == (
        ("running", ""),
        [("unknown", 500, "BackupService.9910", EVERYTHING), ("accepted", 200, "", EVERYTHING)],
    )
    assert replication.audit_entries.filter(action="replication.late_answer").count() == 1
    assert len(practice.accepted()) == 1


# 23


@pytest.mark.django_db(transaction=True)
def test_row_23_answer_that_the_database_cannot_take_waits_on_disk(
    practice, replication, monkeypatch, settings, tmp_path
):
    settings.SPOOL_DIR = tmp_path / "spool"
    monkeypatch.setattr(submission, "_STORE_FOR", timedelta(0))
    with database.execute_wrapper(Outage(99)), pytest.raises(OperationalError):
        practice.round()
    during = told_of(replication)

    practice.round("worker-2")

    assert during == (("submitting", ""), [("pending", None, "", None)])
    assert told_of(replication) == (("running", ""), [("accepted", 200, "", EVERYTHING)])
    assert (len(practice.accepted()), list(settings.SPOOL_DIR.iterdir())) == (1, [])


# 24


def test_row_24_restored_database_sends_nothing_before_the_whole_cloud_was_read(
    practice, replication, swept, settings
):
    practice.round()
    practice.advance(minutes=2)
    forget_the_sending(replication)
    settings.SAFE_MODE_SINCE = practice.now()
    practice.round()
    held_back = told_of(replication)
    practice.advance(seconds=1)

    rounds.sweep_all(clock=practice.now)
    practice.round()

    assert held_back == (("requested", ""), [])
    assert told_of(replication)[1] == [("abandoned", None, "", None)]
    assert replication.status in {"running", "succeeded"}
    assert len(practice.accepted()) == 1
    assert Attempt.objects.count() == 1


# 25


@pytest.mark.parametrize("profile", ["otc", "huawei"])
def test_row_25_record_that_is_not_shown_any_more_keeps_its_status_and_is_no_success(
    profile, db, settings, oskar
):
    with practising(profile, settings) as practice:
        replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
        practice.round()
        for operation, field in (("backups.list", "backups"), ("operation_logs.list", "operation_logs")):
            practice.fault("changed_field", operation=operation, field=field, value=[], count=1000)

        to_rest(practice, replication)

        assert told_of(replication) == (("running", ""), [("accepted", 200, "", EVERYTHING)])
        assert set(replication.records.values_list("status", "arrived_at")) == {("waiting", None)}
        assert replication.is_stalled(practice.now())
        assert replication.check_after is not None


# 26


@pytest.mark.parametrize(
    ("profile", "operation", "field"),
    [
        ("otc", "operation_logs.list", "operation_logs.status"),
        ("huawei", "backups.list", "backups.replication_records.status"),
    ],
)
def test_row_26_word_that_nobody_knows_is_shown_as_it_is_and_followed_on(
    profile, operation, field, db, settings, oskar
):
    with practising(profile, settings) as practice:
        replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
        practice.round()
        practice.fault("changed_field", operation=operation, field=field, value="thawing", count=1)
        practice.advance(seconds=5)

        practice.round()

        meanwhile = told_of(replication)
        shown = set(replication.records.values_list("status", "cloud_status"))
        practice.control("DELETE", "faults")
        to_rest(practice, replication)
        assert meanwhile == (("running", ""), [("accepted", 200, "", EVERYTHING)])
        assert shown == {("unknown", "thawing")}
        assert (replication.status, len(practice.accepted())) == ("succeeded", 1)
