"""Each read of the backup service: what it asks on the wire, what it makes of the documents, and how it fails."""

from datetime import datetime, timedelta, timezone

import pytest

from replication.cloud import (
    Backup,
    CbrClient,
    CloudError,
    NotFound,
    OperationLog,
    OutcomeUnknown,
    Policy,
    Refused,
    ReplicationCapability,
    SignInFailed,
    Throttled,
    Unreadable,
    Vault,
)
from replication.cloud.transport import ReadTransport
from tests.cloud.raw_server import PROJECT_ID, TOKEN, answer, document

PATH = f"/v3/{PROJECT_ID}"
PAGE = (("limit", "1000"), ("offset", "0"))
VAULT_ID = "3b5816b5-f29c-4172-9d9a-76c719a659ce"
BACKUP_ID = "7558e1a3-7046-4787-95cd-14b0ad0642a8"
LOG_ID = "4827f2da-b008-4507-ab7d-42d0df5ed002"
START = datetime(2024, 5, 14, 11, 30, 0, 512, tzinfo=timezone(timedelta(hours=2)))


@pytest.fixture
def client(serve_cbr, sign_in_to):
    """Make a client of a server that answers as told; return both."""
    made = []

    def connect(respond, **options):
        server = serve_cbr(respond if callable(respond) else lambda _: respond)
        credentials = sign_in_to(server)
        transport = ReadTransport(credentials, sleep=lambda _: None)
        made.append(CbrClient(credentials, transport=transport, **options))
        return made[-1], server

    yield connect
    for one in made:
        one.close()


def asked(server):
    """Return path and query of each read."""
    return [
        (request.path, request.query)
        for request in server.received
        if request.method == "GET" and request.path != "/v3"
    ]


def members(name, key, kind):
    return tuple(kind.from_json(item, f"{key}[{index}]") for index, item in enumerate(document(name)[key]))


READS = [
    (
        "vaults_list",
        lambda cbr: cbr.list_vaults(),
        ("vaults", PAGE),
        lambda: members("vaults_list", "vaults", Vault),
    ),
    (
        "vaults_list_without_limit_and_offset",
        lambda cbr: cbr.list_vaults(name="vault-orders-db", protect_type="backup"),
        ("vaults", (("name", "vault-orders-db"), ("protect_type", "backup"), *PAGE)),
        lambda: members("vaults_list_without_limit_and_offset", "vaults", Vault),
    ),
    (
        "vault",
        lambda cbr: cbr.get_vault(VAULT_ID),
        (f"vaults/{VAULT_ID}", ()),
        lambda: Vault.from_json(document("vault")["vault"]),
    ),
    (
        "vault_replication_huawei",
        lambda cbr: cbr.get_vault("0ca3eb86-8800-46da-9c37-9d657a825274"),
        ("vaults/0ca3eb86-8800-46da-9c37-9d657a825274", ()),
        lambda: Vault.from_json(document("vault_replication")["vault"]),
    ),
    (
        "backups_list",
        lambda cbr: cbr.list_backups(),
        ("backups", PAGE),
        lambda: members("backups_list", "backups", Backup),
    ),
    (
        "backups_list_huawei",
        lambda cbr: cbr.list_backups(vault_id=VAULT_ID, show_replication=True, start_time=START),
        (
            "backups",
            (
                ("vault_id", VAULT_ID),
                ("start_time", "2024-05-14T09:30:00Z"),
                ("show_replication", "true"),
                *PAGE,
            ),
        ),
        lambda: members("backups_list_huawei", "backups", Backup),
    ),
    (
        "backups_list_huawei_odd_extra_info",
        lambda cbr: cbr.list_backups(image_type="replication"),
        ("backups", (("image_type", "replication"), *PAGE)),
        lambda: members("backups_list_huawei_odd_extra_info", "backups", Backup),
    ),
    (
        "backup",
        lambda cbr: cbr.get_backup(BACKUP_ID),
        (f"backups/{BACKUP_ID}", ()),
        lambda: Backup.from_json(document("backup")["backup"]),
    ),
    (
        "operation_logs_list",
        lambda cbr: cbr.list_operation_logs(vault_id=VAULT_ID, start_time=START, end_time=START),
        (
            "operation-logs",
            (
                ("vault_id", VAULT_ID),
                ("start_time", "2024-05-14T09:30:00Z"),
                ("end_time", "2024-05-14T09:30:00Z"),
                *PAGE,
            ),
        ),
        lambda: members("operation_logs_list", "operation_logs", OperationLog),
    ),
    (
        "operation_log",
        lambda cbr: cbr.get_operation_log(LOG_ID),
        (f"operation-logs/{LOG_ID}", ()),
        lambda: OperationLog.from_json(document("operation_log")["operation_log"]),
    ),
    (
        "replication_capabilities",
        lambda cbr: cbr.replication_capabilities(),
        ("replication-capabilities", ()),
        lambda: (ReplicationCapability(region="eu-de", destinations=("eu-nl",)),),
    ),
    (
        "policies_list",
        lambda cbr: cbr.list_policies(),
        ("policies", ()),
        lambda: members("policies_list", "policies", Policy),
    ),
    (
        "policies_list",
        lambda cbr: cbr.list_policies(operation_type="replication", vault_id=VAULT_ID),
        ("policies", (("operation_type", "replication"), ("vault_id", VAULT_ID))),
        lambda: members("policies_list", "policies", Policy),
    ),
]
NAMES = [f"{number}-{name}" for number, (name, *_) in enumerate(READS)]


@pytest.mark.parametrize(("name", "call", "question", "expected"), READS, ids=NAMES)
def test_a_read_asks_as_documented_and_reads_the_document(client, name, call, question, expected):
    cbr, server = client(answer(200, document(name)))

    told = call(cbr)

    path, query = question
    assert asked(server) == [(f"{PATH}/{path}", query)]
    assert told == expected()
    assert server.received[-1].headers["x-auth-token"] == TOKEN


DOCUMENTED = document("errors")["errors"]
KINDS = {401: SignInFailed, 404: NotFound, 429: Throttled}


@pytest.mark.parametrize("case", DOCUMENTED, ids=lambda case: case["name"])
def test_a_read_makes_the_right_error_of_every_documented_one(client, case):
    body = case["body"] if "body" in case else case.get("text", "").encode()
    kind = KINDS.get(case["http_status"], Refused if case["http_status"] < 500 else OutcomeUnknown)
    if case["error_code"] == "BackupService.9998":
        kind = OutcomeUnknown
    headers = {"Content-Type": case["content_type"], **case.get("headers", {})}
    cbr, _ = client(answer(case["http_status"], body, headers))

    with pytest.raises(CloudError) as caught:
        cbr.get_vault(VAULT_ID)

    error = caught.value
    request_id = case["body"].get("request_id", "") if "body" in case else ""
    assert (type(error), error.http_status, error.code, error.request_id) == (
        kind,
        case["http_status"],
        case["error_code"],
        request_id,
    )
    assert (error.region, error.method, error.path) == ("eu-de", "GET", f"{PATH}/vaults/{VAULT_ID}")


CALLS = [(name, call) for name, call, _, _ in READS]


@pytest.mark.parametrize(("name", "call"), CALLS, ids=NAMES)
@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "is not JSON"),
        (b"<html>Sign in</html>", "is not JSON"),
        (b"null", "expected an object, got null"),
        (b"[]", "expected an object, got a list"),
        (b"{}", ": missing"),
        (b"[" * 100_000, "nested too deep"),
    ],
)
def test_a_read_without_what_we_need_is_unreadable_and_names_it(client, name, call, body, named):
    cbr, _ = client(answer(200, body, {"X-Request-Id": "req-4"}))

    with pytest.raises(Unreadable) as caught:
        call(cbr)

    error = caught.value
    assert error.message.startswith("The cloud's answer is not as documented: ")
    assert named in error.message
    assert (error.http_status, error.request_id, error.region) == (200, "req-4", "eu-de")
    assert error.evidence == body[:500].decode() + ("…" if len(body) > 500 else "")


def test_the_place_of_a_missing_field_in_a_list_is_named(client):
    body = document("vaults_list")
    del body["vaults"][1]["billing"]["used"]
    cbr, _ = client(answer(200, body))

    with pytest.raises(Unreadable, match=r"vaults\[1\]\.billing\.used: missing"):
        cbr.list_vaults()


def test_a_vault_of_another_purpose_is_left_out_where_the_cloud_does_not_filter(client):
    cbr, _ = client(answer(200, document("vaults_list")))

    assert cbr.list_vaults(protect_type="replication") == ()


def test_operation_logs_are_filtered_here_and_not_by_the_cloud(client):
    body = document("operation_logs_list")
    wanted = [log["id"] for log in body["operation_logs"] if log["operation_type"] == "replication"]
    cbr, server = client(answer(200, body))

    told = cbr.list_operation_logs(operation_type="replication")

    assert [log.id for log in told] == wanted
    assert len(wanted) < len(body["operation_logs"])
    assert asked(server) == [(f"{PATH}/operation-logs", PAGE)]


REFUSED = answer(400, {"error_code": "BackupService.9900", "error_msg": "Parameter verification failed."})


def refusing(*names):
    """Serve backups to whoever does not ask with one of these parameters."""
    return lambda request: (
        REFUSED if {name for name, _ in request.query} & set(names) else answer(200, document("backups_list"))
    )


def hints(server):
    return [
        sorted(name for name, _ in query if name not in {"limit", "offset", "vault_id"})
        for _, query in asked(server)
    ]


@pytest.mark.parametrize(
    ("refused", "first", "then"),
    [
        ([], [["image_type", "show_replication"]], [["image_type", "show_replication"]]),
        (["show_replication"], [["image_type", "show_replication"], ["image_type"]], [["image_type"]]),
        (
            ["image_type"],
            [["image_type", "show_replication"], ["image_type"], ["show_replication"]],
            [["show_replication"]],
        ),
        (
            ["image_type", "show_replication"],
            [["image_type", "show_replication"], ["image_type"], ["show_replication"], []],
            [[]],
        ),
    ],
)
def test_a_parameter_that_this_cloud_refuses_is_left_out_from_then_on(client, refused, first, then):
    cbr, server = client(refusing(*refused))

    cbr.list_backups(vault_id=VAULT_ID, show_replication=True, image_type="backup")
    before = hints(server)
    told = cbr.list_backups(vault_id=VAULT_ID, show_replication=True, image_type="backup")

    assert (before, hints(server)[len(before) :]) == (first, then)
    assert told == members("backups_list", "backups", Backup)


def test_a_list_that_is_refused_without_any_hint_too_is_refused_and_blames_no_parameter(client):
    answers = [REFUSED, REFUSED, answer(200, document("backups_list"))]
    cbr, server = client(lambda _: answers.pop(0))

    with pytest.raises(Refused) as caught:
        cbr.list_backups(show_replication=True)
    cbr.list_backups(show_replication=True)

    assert caught.value.code == "BackupService.9900"
    assert hints(server) == [["show_replication"], [], ["show_replication"]]


@pytest.mark.parametrize("status", [403, 404])
def test_a_list_that_is_refused_for_another_reason_is_asked_for_once(client, status):
    cbr, server = client(answer(status))

    with pytest.raises(Refused):
        cbr.list_backups(show_replication=True)

    assert len(asked(server)) == 1


@pytest.mark.parametrize("id_", ["", ".", ".."])
def test_what_would_name_another_address_is_not_asked_for(client, id_):
    cbr, server = client(answer(200, b"{}"))

    with pytest.raises(NotFound, match="is no id") as caught:
        cbr.get_vault(id_)

    assert (caught.value.region, asked(server)) == ("eu-de", [])


def test_an_id_stays_one_part_of_the_path(client):
    cbr, server = client(answer(404))

    with pytest.raises(NotFound):
        cbr.get_backup("../vaults?x=/é")

    assert asked(server) == [(f"{PATH}/backups/..%2Fvaults%3Fx%3D%2F%C3%A9", ())]


def test_an_answer_about_another_thing_is_unreadable(client):
    cbr, _ = client(answer(200, document("vault")))

    with pytest.raises(Unreadable) as caught:
        cbr.get_vault("another")

    assert caught.value.message == (
        f"vault.id: the answer is about '{VAULT_ID}', the question was about 'another'."
    )


def test_a_time_without_a_zone_is_not_asked_with(client):
    cbr, _ = client(answer(200, b"{}"))

    with pytest.raises(ValueError, match="a time without a zone"):
        cbr.list_backups(start_time=datetime(2024, 5, 14))  # noqa: DTZ001  # the point of the test


def test_the_client_tells_whose_it_is(client):
    cbr, _ = client(answer(404))

    assert (cbr.region, cbr.project_id) == ("eu-de", PROJECT_ID)


def vault(number):
    return document("vault")["vault"] | {"id": f"vault-{number:04d}"}


def shifting(listed, changes):
    """Serve a list of vaults that changes before each page: some are put in front, some are taken away there."""

    def respond(request):
        query = dict(request.query)
        insert, delete = changes.pop(0) if changes else (0, 0)
        del listed[:delete]
        listed[:0] = [vault(9000 + len(changes) * 10 + number) for number in range(insert)]
        offset, limit = int(query["offset"]), int(query["limit"])
        part = listed[offset : offset + limit]
        return answer(200, {"vaults": part, "count": len(listed), "limit": limit, "offset": offset})

    return respond


@pytest.mark.parametrize(
    "changes",
    [
        [],
        [(0, 0), (3, 0), (0, 0), (2, 0)],
        [(0, 0), (0, 3), (0, 0), (0, 2)],
        [(0, 0), (5, 2), (1, 4), (0, 1), (7, 7)],
        [(0, 0), (0, 0), (0, 9)],
    ],
    ids=["at rest", "insert", "delete", "both", "delete more than a page"],
)
def test_a_list_that_shifts_while_it_is_read_loses_nothing_that_was_there_all_the_time(client, changes):
    listed = [vault(number) for number in range(25)]
    before = {one["id"] for one in listed}
    cbr, server = client(shifting(listed, list(changes)), page_size=5)

    told = [one.id for one in cbr.list_vaults()]

    stayed = before & {one["id"] for one in listed}
    assert stayed - set(told) == set()
    assert len(told) == len(set(told))
    assert len(asked(server)) >= 6
