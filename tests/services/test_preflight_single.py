"""What the cloud would answer to the call for one backup, rule by rule."""

import pytest

from replication.services import triggering
from replication.services.preflight import Destination, Verdict
from tests.builders import NOW, a_backup, a_record, a_replication, a_replication_vault, a_vault


def forecast_of_one(backup, destination):
    return triggering.forecast_backup(
        backup, Destination("eu-nl", destination.project.project_id, destination.vault_id, destination)
    )


@pytest.mark.parametrize(
    ("fields", "verdict", "blockers"),
    [
        ({}, Verdict.REPLICATE, []),
        ({"contain_system_disk": None}, Verdict.REPLICATE, []),
        (
            {"vanished_at": NOW},
            Verdict.INELIGIBLE,
            [("BackupService.6200", "The cloud no longer lists the backup.")],
        ),
        (
            {"image_type": "replication"},
            Verdict.INELIGIBLE,
            [
                (
                    "BackupService.1002",
                    "It is a replica, and replicas cannot be replicated again.",
                )
            ],
        ),
        (
            {"resource_type": "OS::Cinder::Volume"},
            Verdict.INELIGIBLE,
            [("BackupService.6122", "It is not a backup of a server.")],
        ),
        (
            {"status": "error"},
            Verdict.INELIGIBLE,
            [("", "Its status is “error”, not “available”.")],
        ),
        (
            {"contain_system_disk": False},
            Verdict.INELIGIBLE,
            [("", "It does not contain the server's system disk.")],
        ),
    ],
)
def test_single_backup_is_judged(db, fields, verdict, blockers):
    backup = a_backup(vault=a_vault(), **fields)

    forecast = forecast_of_one(backup, a_replication_vault())

    assert [one.verdict for one in forecast.verdicts] == [verdict]
    assert [(finding.code, str(finding.text)) for finding in forecast.blockers] == blockers


@pytest.mark.parametrize(
    ("record", "replica", "cloud_says", "verdict", "codes"),
    [
        # No history: only the cloud's word, which does not tell whether the replica is still there.
        (None, None, ["eu-nl"], Verdict.REPLICATE, [("BackupService.1009", False)]),
        (None, None, ["eu-ch2"], Verdict.REPLICATE, []),
        ("running", None, None, Verdict.ALREADY, [("BackupService.1009", True)]),
        ("failed", None, None, Verdict.REPLICATE, []),
        ("timed_out", None, None, Verdict.REPLICATE, []),
        ("skipped", None, None, Verdict.REPLICATE, []),
        ("succeeded", None, None, Verdict.REPLICATE, [("BackupService.1009", False)]),
        ("succeeded", "present", ["eu-nl"], Verdict.ALREADY, [("BackupService.1009", True)]),
        ("succeeded", "deleted", ["eu-nl"], Verdict.REPLICATE, []),
    ],
)
def test_single_backup_goes_again_where_its_replica_is_deleted(
    db, record, replica, cloud_says, verdict, codes
):
    backup, destination = a_backup(vault=a_vault(), replicated_to=cloud_says), a_replication_vault()
    if replica:
        gone = {"vanished_at": NOW} if replica == "deleted" else {}
        a_backup(vault=destination, backup_id="r-1", image_type="replication", **gone)
    if record:
        past = a_replication(source=backup.vault, destination=destination, status="partial")
        a_record(
            replication=past,
            backup_id=backup.backup_id,
            status=record,
            destination_backup_id="r-1" if replica else "",
        )

    forecast = forecast_of_one(backup, destination)

    assert [one.verdict for one in forecast.verdicts] == [verdict]
    assert [(finding.code, finding.blocking) for finding in forecast.findings] == codes


def test_single_backup_of_an_unfit_vault_is_blocked_by_its_vault(db):
    backup = a_backup(vault=a_vault(status="lock"))

    [finding] = forecast_of_one(backup, a_replication_vault()).blockers

    assert (finding.code, str(finding.text)) == (
        "BackupService.6112",
        "Its status is “lock”, not “available”.",
    )


def test_others_of_the_vault_have_no_say_in_a_single_backup(db):
    source = a_vault()
    backup = a_backup(vault=source, resource_size_gb=20)
    a_backup(vault=source, status="error", resource_size_gb=None)

    forecast = forecast_of_one(backup, a_replication_vault())

    assert (forecast.total_gb, forecast.findings, forecast.as_json()["replicate"]) == (
        20,
        (),
        [backup.backup_id],
    )
