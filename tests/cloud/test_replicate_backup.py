"""The call for one backup: its address, its body, its answer. All else it shares with that for a vault."""

import json

import pytest

from replication.cloud import (
    AcceptedBackup,
    AcceptedReplication,
    BackupOrder,
    CbrClient,
    CloudError,
    NotDelivered,
    NotFound,
    OutcomeUnknown,
    Refused,
    SignInFailed,
)
from replication.cloud.transport import Limits
from tests.cloud.raw_server import PROJECT_ID, TOKEN, answer, document

BACKUP_ID = "7558e1a3-7046-4787-95cd-14b0ad0642a8"
DESTINATION = {
    "destination_region": "region2",
    "destination_project_id": "68589cac08274b82b4e254268a3862d8",
    "destination_vault_id": "0ca3eb86-8800-46da-9c37-9d657a825274",
}
ORDER = BackupOrder(
    BACKUP_ID,
    **DESTINATION,
    name="pg-orders-01_dr",
    description="Monthly copy for the recovery exercise",
)
LIMITS = Limits(connect=0.3, read=0.3, total=0.6, largest=1024 * 1024)


@pytest.fixture
def replicate(serve_cbr, sign_in_to):
    """Send an order to a server that answers as told; return the outcome and the server."""

    def send(respond, order=ORDER, **named):
        server = serve_cbr(respond if callable(respond) else lambda _request: respond)
        client = CbrClient(sign_in_to(server), replicate_limits=LIMITS)
        try:
            return client.replicate_backup(order, **named), server
        except CloudError as error:
            return error, server

    return send


def posts_of(server):
    return [one for one in server.received if "/replicate" in one.path]


def test_documented_request_is_sent_and_the_documented_answer_read(replicate):
    body = document("replicate_backup_answer")

    accepted, server = replicate(answer(200, body, {"X-Request-Id": "req-7"}))

    [request] = posts_of(server)
    assert (request.method, request.path) == ("POST", f"/v3/{PROJECT_ID}/backups/{BACKUP_ID}/replicate")
    assert json.loads(request.body) == document("replicate_backup_request")
    assert request.headers["x-auth-token"] == TOKEN
    assert accepted == AcceptedReplication(
        vault_id="",
        source_region="region1",
        project_id="4229d7a45436489f8c3dc2b1d35d4987",
        provider_id="0daac4c5-6707-4851-97ba-169e36266b66",
        backups=(AcceptedBackup(BACKUP_ID, "de128dfa-5451-4905-9c11-8fc842b2f41e"),),
        request_id="req-7",
        document=body,
        **DESTINATION,
    )


def test_name_and_description_are_left_out_when_nobody_gave_them(replicate):
    _accepted, server = replicate(
        answer(200, document("replicate_backup_answer")), BackupOrder(BACKUP_ID, **DESTINATION)
    )

    assert json.loads(posts_of(server)[0].body) == {"replicate": DESTINATION}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("backup_id", "another"),
        ("destination_region", "region3"),
        ("destination_project_id", "f" * 32),
        ("destination_vault_id", "another"),
        ("backup_id", None),
        ("replication_record_id", None),
        ("replication_record_id", ""),
        ("replication_record_id", 7),
    ],
)
def test_answer_about_something_else_or_without_its_record_is_unknown(replicate, field, value):
    body = document("replicate_backup_answer")
    body["replication"][field] = value

    error, server = replicate(answer(200, body))

    assert type(error) is OutcomeUnknown
    assert f"replication.{field}" in error.message
    assert len(posts_of(server)) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Refused),
        (404, NotFound),
        (307, Refused),
        (401, SignInFailed),
        (500, OutcomeUnknown),
        (202, OutcomeUnknown),
    ],
)
def test_other_answers_mean_what_they_mean_for_a_vault_and_are_sent_once(replicate, status, kind):
    error, server = replicate(answer(status, {"error_code": "BackupService.6200", "error_msg": "So it is."}))

    assert (type(error), error.http_status, len(posts_of(server))) == (kind, status, 1)


@pytest.mark.parametrize("backup_id", ["", ".", ".."])
def test_what_would_name_another_call_is_refused_before_anything_is_sent(replicate, backup_id):
    error, server = replicate(answer(200, {}), BackupOrder(backup_id, **DESTINATION))

    assert (type(error), posts_of(server)) == (NotFound, [])


def test_id_with_signs_of_an_address_stays_one_part_of_it(replicate):
    _error, server = replicate(answer(404, {}), BackupOrder("../vaults?x=1#y", **DESTINATION))

    assert [one.path for one in posts_of(server)] == [
        f"/v3/{PROJECT_ID}/backups/..%2Fvaults%3Fx%3D1%23y/replicate"
    ]


def test_what_is_raised_before_connecting_stops_everything(replicate):
    def stop():
        raise NotDelivered("held up")

    error, server = replicate(answer(200, {}), before_connecting=stop)

    assert (error.message, posts_of(server)) == ("held up", [])
