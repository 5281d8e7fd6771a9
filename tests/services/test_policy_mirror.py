"""The mirror of the policies: what the cloud lists, and what stays when it does not."""

import pytest

from replication.models import CloudReading, Policy, PolicyVault
from replication.services import inventory
from tests.journeys.policy_wishes import cloud_policies, mirrored_policies
from tests.practice import practising


@pytest.fixture
def practice(db, settings):
    with practising("otc", settings) as practice:
        yield practice


def test_the_mirror_shows_what_the_cloud_holds(practice):
    assert mirrored_policies() == cloud_policies(practice)
    erp = Policy.objects.get(name="replicate-erp-weekly")
    mail = Policy.objects.get(name="replicate-mail-twice-a-day")
    assert (erp.enabled, erp.operation_type, erp.destination_region, erp.patterns, erp.retention_days) == (
        True,
        "replication",
        "eu-nl",
        ["FREQ=WEEKLY;BYDAY=SA;BYHOUR=04;BYMINUTE=00"],
        30,
    )
    assert (mail.retention_days, mail.max_backups, mail.day_backups, mail.week_backups, mail.timezone) == (
        None,
        14,
        7,
        None,
        "UTC+01:00",
    )
    assert [row.source_vault.name for row in erp.applied_to.all()] == ["vault-erp"]


def test_a_policy_and_a_pair_that_are_gone_are_gone_here_too(practice):
    world = practice.control("GET", "world")["vaults"]
    erp = Policy.objects.get(name="replicate-erp-weekly")
    practice.control("DELETE", f"vaults/{world['vault-mail']['id']}")
    from replication import cloud
    from replication.services import connection

    connection.cbr("sandbox-production").change_policies(cloud.deletion(erp.policy_id))

    practice.read_inventory()

    erp.refresh_from_db()
    assert erp.vanished_at is not None
    assert PolicyVault.objects.filter(policy=erp).count() == 0
    assert mirrored_policies()["replicate-mail-twice-a-day"] == [{}]


def test_a_list_that_cannot_be_read_leaves_the_last_one_and_says_why(practice):
    before, policies = mirrored_policies(), CloudReading.objects.get(cloud="sandbox-production")
    practice.advance(hours=2)
    practice.fault("answer", operation="policies.list", status=403, code="BackupService.8600", count=9)

    read = inventory.refresh("sandbox-production", practice.now)

    after = CloudReading.objects.get(cloud="sandbox-production")
    assert (read, after.error, after.read_at > policies.read_at) == (True, "", True)
    assert after.policies_read_at == policies.policies_read_at
    assert "403" in after.policies_error or "declined" in after.policies_error
    assert mirrored_policies() == before


def test_the_next_good_reading_forgets_the_reason(practice):
    practice.fault("answer", operation="policies.list", status=403, code="BackupService.8600")
    inventory.refresh("sandbox-production", practice.now)

    inventory.refresh("sandbox-production", practice.now)

    reading = CloudReading.objects.get(cloud="sandbox-production")
    assert (reading.policies_error, reading.policies_read_at) == ("", reading.read_at)
