"""Faults of the answer: other statuses, broken documents, foreign ids; processed or not as asked."""

import json
import zlib

import pytest

from replication.sandbox.answers import ERROR_SHAPES
from tests.sandbox.visitor import code_of


def test_a_gzip_bomb_is_small_until_it_is_read(visitor):
    visitor.spoil("vaults.list", "gzip_bomb", megabytes=5)

    answer = visitor.session.get(f"{visitor.url}/v3/{visitor.project_id}/vaults", stream=True, timeout=10)

    packed = answer.raw.read(decode_content=False)
    assert len(packed) < 100_000
    assert len(zlib.decompress(packed, wbits=31)) > 5 * 1024 * 1024
    answer.close()


@pytest.mark.parametrize("shape", ERROR_SHAPES)
@pytest.mark.parametrize("processed", [False, True])
def test_any_error_can_be_answered_before_and_after_processing(visitor, shape, processed):
    wishes = {"status": 503, "shape": shape, "code": "X.1", "message": "Out of order", "processed": processed}
    visitor.spoil("checkpoints.replicate", "answer", **wishes, headers={"Retry-After": 7})

    answer = visitor.replicate()

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert ("Out of order" in answer.text) is (shape != "empty")
    assert len(visitor.accepted()) == processed


def test_a_redirect_leads_to_itself_unless_another_place_is_named(visitor):
    visitor.spoil("vaults.list", "redirect", status=308)
    visitor.spoil("vaults.list", "redirect", status=302, location="http://elsewhere.invalid/")
    url = f"{visitor.url}/v3/{visitor.project_id}/vaults"

    answers = [visitor.session.get(url, allow_redirects=False, timeout=10) for _ in range(2)]

    assert [(a.status_code, a.headers["Location"]) for a in answers] == [
        (308, url),
        (302, "http://elsewhere.invalid/"),
    ]


@pytest.mark.parametrize("retry_after", ["7", "Wed, 21 Oct 2015 07:28:00 GMT", "99999999999999", "soon"])
def test_throttling_names_any_time_to_wait(visitor, retry_after):
    visitor.spoil("checkpoints.replicate", "throttle", retry_after=retry_after)

    answer = visitor.replicate()

    assert code_of(answer) == (429, "APIGW.0308")
    assert answer.headers["Retry-After"] == retry_after
    assert visitor.accepted() == []


@pytest.mark.parametrize("status", [201, 202, 204, 206, 299])
def test_a_success_can_have_another_status(visitor, status):
    visitor.spoil("checkpoints.replicate", "status", status=status)

    answer = visitor.replicate()

    assert answer.status_code == status
    assert bool(answer.content) is (status != 204)
    assert len(visitor.accepted()) == 1


@pytest.mark.parametrize("fault", ["bad_json", "wrong_charset", "html_success", "empty_body"])
def test_a_broken_body_is_no_json_and_yet_processed(visitor, fault):
    visitor.spoil("checkpoints.replicate", fault)

    answer = visitor.replicate()

    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r".*"):
        json.loads(answer.content.decode("utf-8"))
    assert len(visitor.accepted()) == 1


def test_doubled_keys_stand_in_the_text_twice(visitor):
    visitor.spoil("checkpoints.replicate", "duplicate_keys")

    text = visitor.replicate().text

    assert text.count('"replication":') == 2
    assert json.loads(text)["replication"]["backups"]


def test_not_a_number_is_what_the_standard_forbids(visitor):
    visitor.spoil("checkpoints.replicate", "not_a_number")

    text = visitor.replicate().text

    assert '"progress": NaN' in text
    assert json.loads(text)["size"] == float("inf")


def test_a_deep_nest_is_as_deep_as_asked(visitor):
    visitor.spoil("vaults.list", "deep_nesting", depth=100_000)

    assert visitor.get("vaults").text.count("[") > 100_000


def test_foreign_ids_are_none_of_those_asked_for(visitor):
    visitor.spoil("checkpoints.replicate", "foreign_ids")

    replication = visitor.replicate().json()["replication"]

    (accepted,) = visitor.accepted()
    assert replication["vault_id"] != visitor.vault_id("vault-orders-db")
    assert not {item["replication_record_id"] for item in replication["backups"]} & set(
        accepted["record_ids"]
    )


def test_record_ids_can_come_twice(visitor):
    visitor.spoil("checkpoints.replicate", "duplicate_record_ids")

    backups = visitor.replicate().json()["replication"]["backups"]

    assert len(backups) == 14
    assert len({item["replication_record_id"] for item in backups}) == 1


@pytest.mark.parametrize("field", ["replication", "replication.backups", "replication.backups.backup_id"])
def test_a_named_field_can_be_missing(visitor, field):
    visitor.spoil("checkpoints.replicate", "missing_field", field=field)

    answer = visitor.replicate().json()

    assert field.rsplit(".", maxsplit=1)[-1] not in json.dumps(answer).replace("destination", "")


def test_a_named_field_can_hold_something_else(visitor):
    visitor.spoil("vaults.list", "changed_field", field="vaults.billing.used", value="much")

    vaults = visitor.get("vaults").json()["vaults"]

    assert {vault["billing"]["used"] for vault in vaults} == {"much"}
