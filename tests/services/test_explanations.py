import ast
import json
import re
from dataclasses import fields
from pathlib import Path

import pytest
from django.utils import translation

from replication.services.explanations import FAMILIES, Explanation, explain
from replication.services.explanations.own import OWN

ROOT = Path(__file__).resolve().parent.parent.parent
#: Preflight's table and architecture's state machine, by code.
WHAT_MATTERS = [
    *("0001", "1002", "1003", "1005", "1006", "1009", "1011", "1012", "4005", "6105", "6112", "6114", "6118"),
    *("6119", "6120", "6122", "6128", "6129", "6130", "6131", "6142", "6200", "8600", "9900", "9910", "9998"),
]
#: Answered with HTTP 500 here: whether anything was started is not said.
FAULTS = ["1005", "4005", "9910", "9998"]
EVERY = sorted({f"{family}.{number}" for family, codes in FAMILIES.items() for number in codes})
TEXTS = [field.name for field in fields(Explanation) if field.name != "retry_is_safe"]


def words(explanation):
    return {name: str(getattr(explanation, name)) for name in TEXTS}


@pytest.mark.parametrize("number", WHAT_MATTERS)
def test_code_that_matters_to_a_replication_is_explained_with_and_without_its_family(number):
    explanation = explain(f"BackupService.{number}")

    assert explanation is not None
    assert explain(number) is explanation


@pytest.mark.parametrize(
    "code", ["0101", "0201", "0301", "0302", "0306", "0307", "0308", "0310", "0601", "0613", "0802"]
)
def test_gateway_code_is_explained_under_both_of_its_names(code):
    explanation = explain(f"APIGW.{code}")

    assert explanation is not None
    assert explain(f"APIG.{code}") is explanation


def test_every_error_of_the_documents_that_a_replication_can_meet_is_explained():
    documents = json.loads((ROOT / "tests/cloud/documents/errors.json").read_text())["errors"]
    codes = {error["error_code"] for error in documents if error.get("error_code")}
    # About single operation logs, which no replication depends on.
    elsewhere = {"BackupService.6500", "BackupService.6501"}

    unexplained = {code for code in codes - elsewhere if "." in code and explain(code) is None}

    assert unexplained == set()


def test_every_code_of_our_own_is_explained_and_none_that_nobody_gives():
    sources = [*(ROOT / "replication/cloud").glob("*.py"), *(ROOT / "replication/services").glob("*.py")]
    said = {
        word
        for path in sources
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Assign) and any("code" in ast.unparse(target) for target in node.targets)
        for word in re.findall("'([a-z_]+)'", ast.unparse(node.value))
    }
    ours = {
        node.value.value
        for path in sources
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.keyword)
        and node.arg in {"code", "error_code"}
        and isinstance(node.value, ast.Constant)
        and re.fullmatch("[a-z_]+", str(node.value.value))
    }

    assert ours >= {"worker_lost", "not_permitted"}
    assert {*ours, *said} == set(OWN)


@pytest.mark.parametrize(
    "code", ["", "6999", "BackupService.", "BackupService.6999", "Other.6129", "HTTP 502", "..", "6129."]
)
def test_code_that_nobody_has_explained_gives_none(code):
    assert explain(code) is None


def test_code_with_blanks_around_it_is_still_found():
    assert explain(" BackupService.6129\n") is explain("6129")


@pytest.mark.parametrize("code", EVERY)
def test_explanation_is_made_of_full_sentences_under_a_short_title(code):
    with translation.override("en"):
        told = words(explain(code))

    assert {
        name for name, text in told.items() if name != "title" and not re.fullmatch(r"[A-Z].{7,}\.", text)
    } == set()
    assert re.fullmatch(r"[A-Z].{7,59}[^.]", told["title"])


def test_what_happened_is_told_differently_for_every_code():
    with translation.override("en"):
        told = [
            (str(one.title), str(one.happened))
            for family in ("", "APIGW", "IAM")
            for one in FAMILIES[family].values()
        ]
    # One check, reported as a refusal by one code and as a fault by another.
    repeated = {title for title, _happened in told if sum(title == other for other, _ in told) > 1}

    assert repeated == {"The destination vault could not be checked"}
    assert len({happened for _title, happened in told}) == len(told) - 1


@pytest.mark.parametrize("number", FAULTS)
def test_refusal_that_the_cloud_reports_as_a_fault_is_not_called_safe_to_repeat(number):
    explanation = explain(number)

    assert explanation.retry_is_safe is False
    assert not str(explanation.started).startswith(("No.", "Yes."))


@pytest.mark.parametrize("code", EVERY)
def test_retry_that_is_called_safe_is_so_in_words_too(code):
    explanation = explain(code)

    with translation.override("en"):
        assert str(explanation.retry).startswith("Safe") is explanation.retry_is_safe


@pytest.mark.parametrize("code", EVERY)
def test_explanation_that_calls_the_outcome_unclear_never_calls_a_retry_safe(code):
    explanation = explain(code)

    with translation.override("en"):
        assert not (str(explanation.started).startswith("Unclear") and explanation.retry_is_safe)
