"""What the cloud would answer, rule by rule."""

import pytest

from replication.services import triggering
from replication.services.preflight import Destination, Verdict, judge_destination, judge_region, judge_source
from tests.builders import NOW, a_backup, a_record, a_region, a_replication, a_replication_vault, a_vault


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, None),
        ({"vanished_at": NOW}, "BackupService.6105"),
        ({"protect_type": "replication"}, "BackupService.6128"),
        ({"object_type": "disk"}, "BackupService.6128"),
        ({"object_type": "turbo"}, "BackupService.6128"),
        ({"status": "lock"}, "BackupService.6112"),
        ({"status": "frozen"}, "BackupService.6112"),
        ({"status": "error"}, "BackupService.6112"),
        # Full is no obstacle for a source.
        ({"used_mb": 2_000_000}, None),
    ],
)
def test_source_vault_is_judged(db, fields, code):
    finding = judge_source(a_vault(**fields))

    assert (finding.code if finding else None) == code


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, None),
        ({"vanished_at": NOW}, "BackupService.6120"),
        ({"protect_type": "backup"}, "BackupService.6119"),
        ({"object_type": "turbo"}, "BackupService.6119"),
        ({"status": "lock"}, "BackupService.6118"),
        ({"size_gb": 100, "used_mb": 100 * 1024}, "BackupService.6129"),
        ({"size_gb": 100, "used_mb": 100 * 1024, "auto_expand": True}, None),
        # Not told is not full.
        ({"size_gb": None, "used_mb": None}, None),
    ],
)
def test_destination_vault_is_judged(db, fields, code):
    vault = a_replication_vault(
        **{"name": "vault-recovery", **{k: v for k, v in fields.items() if k != "protect_type"}}
    )
    vault.protect_type = fields.get("protect_type", vault.protect_type)

    finding = judge_destination(vault, a_vault())

    assert (finding.code if finding else None) == code


@pytest.mark.parametrize(
    ("destinations", "wanted", "code"),
    [
        (["eu-nl"], "eu-nl", None),
        (["eu-nl"], "eu-de", "BackupService.9900"),
        (["eu-nl"], "eu-ch2", "BackupService.1005"),
        ([], "eu-nl", "BackupService.1005"),
        # The cloud has not told: that is not a no.
        (None, "eu-nl", None),
    ],
)
def test_region_is_judged(db, destinations, wanted, code):
    finding = judge_region(a_region("eu-de", replicates_to=destinations), wanted)

    assert (finding.code if finding else None) == code


def test_every_backup_gets_a_verdict_with_its_reason(db):
    source, destination = a_vault(), a_replication_vault()
    a_backup(vault=source, backup_id="good")
    a_backup(vault=source, backup_id="no-system-disk", contain_system_disk=False)
    a_backup(vault=source, backup_id="not-told", contain_system_disk=None)
    a_backup(vault=source, backup_id="in-error", status="error")
    a_backup(vault=source, backup_id="a-replica", image_type="replication")
    a_backup(vault=source, backup_id="a-disk", resource_type="OS::Cinder::Volume")
    a_backup(vault=source, backup_id="told-there", replicated_to=["eu-nl"])
    a_backup(vault=source, backup_id="elsewhere", replicated_to=["eu-ch2"])
    a_backup(vault=source, backup_id="we-did", replicated_to=None)
    a_backup(vault=source, backup_id="we-failed", replicated_to=None)
    a_backup(vault=source, backup_id="gone", vanished_at=NOW)
    past = a_replication(source=source, destination=destination, status="partial")
    a_record(replication=past, backup_id="we-did", status="succeeded")
    a_record(replication=past, backup_id="we-failed", status="failed")

    forecast = triggering.forecast(
        source, Destination("eu-nl", destination.project.project_id, destination.vault_id, destination)
    )

    assert {one.backup.backup_id: (one.verdict, str(one.reason)) for one in forecast.verdicts} == {
        "good": (Verdict.REPLICATE, ""),
        "not-told": (Verdict.REPLICATE, ""),
        "elsewhere": (Verdict.REPLICATE, ""),
        "we-failed": (Verdict.REPLICATE, ""),
        "no-system-disk": (Verdict.INELIGIBLE, "It does not contain the server's system disk."),
        "in-error": (Verdict.INELIGIBLE, "Its status is “error”, not “available”."),
        "a-replica": (Verdict.INELIGIBLE, "It is a replica, and replicas cannot be replicated again."),
        "a-disk": (Verdict.INELIGIBLE, "It is not a backup of a server."),
        "told-there": (Verdict.ALREADY, "It was replicated to this region before."),
        "we-did": (Verdict.ALREADY, "It was replicated to this region before."),
    }
    assert (forecast.total_gb, forecast.findings) == (160, ())


def forecast_of(source, destination):
    return triggering.forecast(
        source, Destination("eu-nl", destination.project.project_id, destination.vault_id, destination)
    )


def test_vault_without_backups_is_a_blocker(db):
    [finding] = forecast_of(a_vault(), a_replication_vault()).findings

    assert (finding.blocking, str(finding.text)) == (True, "The vault has no backups.")


def test_vault_whose_backups_are_all_there_is_a_warning(db):
    source = a_vault()
    a_backup(vault=source, replicated_to=["eu-nl"])

    [finding] = forecast_of(source, a_replication_vault()).findings

    assert (finding.blocking, "nothing would be copied" in str(finding.text)) == (False, True)


def test_too_little_room_is_a_warning_because_sizes_are_only_upper_bounds(db):
    source = a_vault()
    a_backup(vault=source, resource_size_gb=500)
    a_backup(vault=source, resource_size_gb=500)

    [finding] = forecast_of(source, a_replication_vault(size_gb=1000, used_mb=900 * 1024)).findings

    assert (finding.blocking, finding.code) == (False, "BackupService.6129")
    assert str(finding.text) == (
        "The destination vault has 100 GB left; the servers behind the 2 backups have 1000 GB of disks in all. "
        "They may not fit."
    )


def test_unknown_size_makes_the_total_unknown_and_not_zero(db):
    source = a_vault()
    a_backup(vault=source, resource_size_gb=500)
    a_backup(vault=source, resource_size_gb=None)

    assert forecast_of(source, a_replication_vault()).total_gb is None
