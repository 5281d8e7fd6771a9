"""The operation logs of a vault: the cloud's words, filtered and searched, also those that it has forgotten."""

from datetime import timedelta

import pytest
from django.urls import reverse

from tests.builders import NOW, a_project, a_vault, an_operation_log
from tests.views.site import text_of


@pytest.fixture
def vault(db):
    vault = a_vault(name="vault-orders-db")
    an_operation_log(vault=vault, operation_log_id="log-old", created_at=NOW - timedelta(days=400))
    an_operation_log(
        vault=vault,
        operation_log_id="log-failed",
        status="failed",
        error_code="BackupService.1006",
        error_message="Failed to import the replica.",
        policy_id="policy-1",
    )
    an_operation_log(
        vault=vault,
        operation_log_id="log-backup",
        operation_type="backup",
        created_at=NOW - timedelta(days=1),
    )
    an_operation_log(vault=a_vault(name="another"), operation_log_id="log-of-another")
    twin = a_vault(
        name="twin", vault_id=vault.vault_id, project=a_project("eu-de_internal", cloud="internal")
    )
    an_operation_log(vault=twin, operation_log_id="log-of-a-twin")
    return vault


def look(client, vault, **asked):
    answer = client.get(reverse("vault-operations", args=[vault.pk]), asked)
    assert answer.status_code == 200
    return answer


def ids(answer):
    return [log.operation_log_id for log in answer.context["logs"]]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["log-failed", "log-backup", "log-old"]),
        ({"operation": "replication"}, ["log-failed", "log-old"]),
        ({"status": "failed"}, ["log-failed"]),
        ({"operation": "backup", "status": "failed"}, []),
        ({"q": "1006"}, ["log-failed"]),
        ({"q": "policy-1"}, ["log-failed"]),
        ({"q": "log-old"}, ["log-old"]),
        ({"q": "PG-ORDERS"}, ["log-failed", "log-backup", "log-old"]),
        ({"operation": "a word that is not there"}, ["log-failed", "log-backup", "log-old"]),
    ],
)
def test_logs_of_the_vault_are_found_newest_first(client, vera, vault, asked, found):
    client.force_login(vera)

    assert ids(look(client, vault, **asked)) == found


def test_log_is_shown_in_the_cloud_s_words_with_what_it_says(client, anna, vault):
    client.force_login(anna)

    text = text_of(look(client, vault, status="failed"))

    assert "BackupService.1006 Failed to import the replica." in text
    assert "a policy" in text


def test_vault_without_logs_does_not_claim_that_there_are_none(client, vera, vault):
    client.force_login(vera)

    text = text_of(look(client, a_vault(name="new")))

    assert "Whether the cloud has logged anything about this vault is not known." in text


def test_vault_page_leads_to_its_logs(client, vera, vault):
    client.force_login(vera)

    page = client.get(reverse("vault-detail", args=[vault.pk])).content.decode()

    assert reverse("vault-operations", args=[vault.pk]) in page
