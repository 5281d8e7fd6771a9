"""Whatever the other side says, a well-formed result comes out or one of our errors, within a bounded memory."""

import gzip
import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from replication.cloud import (
    AcceptedReplication,
    AssociatedVault,
    Backup,
    CbrClient,
    CloudError,
    OperationLog,
    OperationLogReplication,
    OutcomeUnknown,
    Policy,
    Project,
    Region,
    ReplicateOrder,
    ReplicationCapability,
    ReplicationRecord,
    Unreadable,
    Vault,
    VaultResource,
)
from replication.cloud.answers import Answer, Call
from replication.cloud.delivery import decide_answer, decide_read
from replication.cloud.fields import parse_json
from replication.cloud.transport import Limits
from tests.cloud.raw_server import RawServer, answer, document, token_answer

ROOT = Path(__file__).resolve().parent.parent.parent
modest = settings(max_examples=120, deadline=None, derandomize=True, database=None)
few = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

ORDER = ReplicateOrder(
    vault_id="3b5816b5-f29c-4172-9d9a-76c719a659ce",
    destination_region="region2",
    destination_project_id="68589cac08274b82b4e254268a3862d8",
    destination_vault_id="0ca3eb86-8800-46da-9c37-9d657a825274",
)

odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**18, max_value=10**400),
    st.floats(),
    st.text(alphabet=st.characters(), max_size=20),
    st.sampled_from(
        [
            "\x00",
            "\ud800",
            "{",
            '{"progress": NaN}',
            '{"a": {"a": "{}"}}',
            "9999-12-31T23:59:59-23:59",
            "0001-01-01T00:00:00+23:59",
            "2024-05-14T09:30:00",
            "9" * 5000,
            "true",
            "٣",
            -1,
            2**63,
            float("nan"),
        ]
    ),
)
anything = st.recursive(
    odd,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def broken(value):
    """Return values like this one, with members lost, put twice, or replaced by anything."""
    if isinstance(value, dict):
        members = {name: broken(inner) for name, inner in value.items()}
        return st.one_of(
            st.fixed_dictionaries(members),
            st.fixed_dictionaries({}, optional=members),
            st.dictionaries(st.sampled_from(sorted(value)) if value else st.text(), anything, max_size=4).map(
                lambda changes: {**value, **changes}
            ),
        )
    if isinstance(value, list):
        return st.one_of(
            st.just(value), st.just(value * 2), st.lists(broken(value[0]) if value else anything, max_size=3)
        )
    return st.one_of(st.just(value), st.just(value), st.just(value), odd)


BACKUP = document("backup_huawei")["backup"]
VAULT = document("vault")["vault"]
LOG = document("operation_log_huawei")["operation_log"]
POLICY = document("policies_list")["policies"][0]
READERS = [
    (Vault.from_json, VAULT),
    (VaultResource.from_json, VAULT["resources"][0]),
    (Backup.from_json, BACKUP),
    (ReplicationRecord.from_json, BACKUP["replication_records"][0]),
    (OperationLog.from_json, LOG),
    (OperationLogReplication.from_json, LOG["extra_info"]["replication"]),
    (Policy.from_json, POLICY),
    (AssociatedVault.from_json, POLICY["associated_vaults"][0]),
    (Project.from_json, document("auth_projects")["projects"][0]),
    (Region.from_json, {"id": "eu-de"}),
    (ReplicationCapability.from_json, document("replication_capabilities")["regions"][0]),
]
READER_NAMES = [reader.__self__.__name__ for reader, _ in READERS]
NUMBERS = ("_gb", "_mb", "_percent", "_count", "_days", "_backups")


def check(told):
    """Fail unless a result has only values of the types that it promises."""
    if isinstance(told, str):
        return
    if isinstance(told, tuple):
        for one in told:
            check(one)
        return
    for name in type(told).__slots__:
        value = getattr(told, name)
        if isinstance(value, tuple):
            check(value)
        elif name.endswith("_at"):
            assert value is None or (isinstance(value, datetime) and value.tzinfo is UTC)
        elif name.endswith(NUMBERS):
            assert value is None or (type(value) is int and 0 <= value < 2**63)
        elif name == "document":
            json.dumps(value)
        elif hasattr(type(value), "__slots__") and type(value).__module__.startswith("replication."):
            check(value)
        else:
            assert value is None or isinstance(value, str | bool)


@pytest.mark.parametrize(("reader", "like"), READERS, ids=READER_NAMES)
def test_a_reader_tells_a_well_formed_result_or_that_it_cannot_read(reader, like):
    @modest
    @given(broken(like) | anything)
    def read(wire):
        try:
            told = reader(wire)
        except Unreadable as error:
            assert error.message  # noqa: PT017  # a good result is the other way out
        else:
            if told is not None:
                check(told)

    read()


ACCEPTED = document("replicate_answer")


@modest
@given(broken(ACCEPTED) | anything)
def test_the_answer_to_an_order_is_well_formed_or_unreadable(wire):
    try:
        told = AcceptedReplication.from_json(wire, order=ORDER)
    except Unreadable:
        return
    check(told)
    assert (told.vault_id, told.destination_vault_id) == (ORDER.vault_id, ORDER.destination_vault_id)
    assert len({one.replication_record_id for one in told.backups}) == len(told.backups)


@modest
@given(st.binary(max_size=60) | anything.map(lambda value: json.dumps(value).encode()))
@example(b"[" * 200_000)
@example(b'{"a":' * 200_000)
@example(b"9" * 100_000)
@example(b"-" + b"9" * 4_301)
@example(b'"\\ud800"')
@example(b"[NaN, Infinity]")
@example(b"\xef\xbb\xbf\xef\xbb\xbf{}")
def test_a_body_is_json_that_can_be_stored_or_unreadable(raw):
    try:
        value = parse_json(raw)
    except Unreadable:
        return
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    assert "\\u0000" not in text
    text.encode()


names = st.sampled_from(["x-request-id", "x-iam-trace-id", "retry-after", "location", "content-type"])
error_bodies = st.one_of(
    st.binary(max_size=40),
    anything.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(document("errors")["errors"])
    .filter(lambda case: "body" in case)
    .flatmap(lambda case: broken(case["body"]))
    .map(lambda value: json.dumps(value).encode()),
)


@settings(modest, max_examples=300)
@given(
    st.integers(100, 999),
    st.dictionaries(names, st.text(max_size=30), max_size=3),
    error_bodies,
    st.booleans(),
)
def test_every_answer_is_decided_with_facts_that_can_be_shown_and_stored(status, headers, body, is_cut):
    said = Answer(Call("eu-de", "POST", "/v3/p"), status, headers, body, is_cut=is_cut)

    for decide in (decide_answer, decide_read):
        error = decide(said)
        assert (error is None) == (status == 200 and not is_cut)
        if error:
            shown = [error.message, error.code, error.request_id, getattr(error, "evidence", "")]
            assert re.search("[\x00-\x1f\x7f-\x9f\ud800-\udfff]", "".join(shown)) is None
            assert (len(error.code) <= 64, len(error.request_id) <= 200, len(error.message) < 900) == (
                True,
            ) * 3
            retry_after = getattr(error, "retry_after", None)
            assert retry_after is None or 0 <= retry_after <= 600


@pytest.fixture(scope="module")
def saying():
    """Return a server that says the bytes it is given, and a client of it."""
    said = [b""]

    def respond(request):
        if request.path == "/v3":
            return answer(404)
        if request.path == "/v3/auth/tokens":
            return token_answer()
        return lambda connection: connection.sendall(said[0])

    server = RawServer(respond)
    yield server, said
    server.close()


WHOLE = answer(200, ACCEPTED)


@st.composite
def spoilt(draw):
    """Draw the bytes of a good answer with some lost, doubled or changed."""
    raw = bytearray(WHOLE)
    for _ in range(draw(st.integers(1, 3))):
        place, end = sorted((draw(st.integers(0, len(raw))), draw(st.integers(0, len(raw)))))
        raw[place : draw(st.sampled_from([place, end]))] = draw(st.binary(max_size=12))
    return bytes(raw)


raw_answers = st.one_of(
    spoilt(),
    st.binary(max_size=80),
    broken(ACCEPTED).map(lambda value: answer(200, value)),
    st.binary(max_size=40).map(lambda body: answer(200, body)),
)


def test_the_bytes_of_an_answer_to_the_post_bring_its_records_or_one_of_our_errors(saying, sign_in_to):
    server, said = saying
    credentials = sign_in_to(server)
    limits = Limits(connect=1, read=0.2, total=0.4, largest=1024 * 1024)
    client = CbrClient(credentials, replicate_limits=limits)

    @few
    @given(raw_answers)
    @example(WHOLE)
    @example(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip, gzip, gzip, gzip, gzip, gzip\r\n\r\n{}")
    @example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n")
    @example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}\r\n")
    @example(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}")
    @example(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}")
    @example(b"HTTP/1.1 200 \xff\xfe\r\n\xff: \xfe\r\n\r\n{}")
    @example(b"HTTP/1.1 302 Found\r\nLocation: \xff\xfe://[\r\nContent-Length: 0\r\n\r\n")
    @example(answer(200, gzip.compress(b" " * 50_000_000, 1), {"Content-Encoding": "gzip"}))
    @example(answer(200, b"[" * 500_000))
    @example(answer(200, b'{"replication": {"backups": [], "backups": []}}'))
    def send(raw):
        said[0] = raw
        before = len(server.posts)
        try:
            told = client.replicate(ORDER)
        except CloudError as error:
            # Nothing that came after the request was sent proves that it was not delivered, but a complete refusal.
            assert isinstance(error, OutcomeUnknown) or error.http_status is not None  # noqa: PT017  # as above
        else:
            check(told)
        assert len(server.posts) == before + 1

    send()


HOSTILE = {
    "two hundred megabytes": (b"", "stream"),
    "without a length": (b"", "endless"),
    "a gzip bomb": (b"Content-Encoding: gzip\r\n", "bomb"),
    "a nested gzip bomb": (b"Content-Encoding: gzip, gzip\r\n", "nested"),
    "many small objects": (b"", "objects"),
    "headers without end": (b"", "headers"),
}
CHILD = """
import gzip, resource, sys
from tests.cloud.raw_server import RawServer, answer, token_answer, PROJECT_ID
from replication.cloud import CbrClient, CloudError, ReplicateOrder, cloud_from_options
how, header = sys.argv[1], sys.argv[2].encode().decode("unicode_escape").encode()
megabyte = b" " * 1024 * 1024
bomb = gzip.compress(megabyte * 200, 1)
def script(connection):
    head = b"HTTP/1.1 200 OK\\r\\n" + header
    if how == "headers":
        connection.sendall(head)
        while True:
            connection.sendall(b"X: " + b"y" * 60_000 + b"\\r\\n")
    if how == "stream":
        head += b"Content-Length: 209715200\\r\\n"
    connection.sendall(head + b"\\r\\n")
    if how in ("bomb", "nested"):
        connection.sendall(gzip.compress(bomb) if how == "nested" else bomb)
        return
    part = b'{"a":[' + b"{}," * 349_000 if how == "objects" else megabyte
    for _ in range(1 if how == "objects" else 200):
        connection.sendall(part)
def respond(request):
    if request.path == "/v3":
        return answer(404)
    return token_answer() if request.path == "/v3/auth/tokens" else script
server = RawServer(respond)
auth = dict(auth_url=server.url + "/v3", username="u", password="p", user_domain_name="d", project_name="p")
client = CbrClient(cloud_from_options("here", auth=auth, region="eu-de", cbr_endpoint_override=server.url))
client.project_id
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
peaks = []
for call in (lambda: client.replicate(ReplicateOrder("v", "r", "p", "d")), lambda: client.get_vault("v")):
    try:
        call()
        print("no error")
    except CloudError as error:
        print(type(error).__name__)
    peaks.append((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
print(*peaks)
client.close()
server.close()
"""


@pytest.mark.parametrize(("header", "how"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_answer_is_an_error_within_a_bounded_memory(header, how):
    told = subprocess.run(
        [sys.executable, "-c", CHILD, how, header.decode().encode("unicode_escape").decode()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout.splitlines()

    of_the_post, of_the_read = (int(megabytes) for megabytes in told[2].split())
    assert told[0] == "OutcomeUnknown"
    assert told[1] in {"Unreadable", "OutcomeUnknown"}
    # The post reads 1 MiB at most, a read 64; each is copied while it is read.
    assert (of_the_post < 60, of_the_read < 250) == (True, True), told[2]
