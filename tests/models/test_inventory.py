"""What the mirror tells of itself: room, share, kind, and what it keeps of the vanished."""

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from replication.models import Backup, CloudReading, Vault
from tests.builders import NOW, a_backup, a_project, a_replication, a_replication_vault, a_vault

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("size_gb", "used_mb", "free_mb", "used_percent"),
    [
        (100, 0, 102400, 0),
        (100, 1, 102399, 0),
        (100, 51200, 51200, 50),
        # Rounded down: 100 % is said only of a full one.
        (100, 102399, 1, 99),
        (100, 102400, 0, 100),
        # Overfull is full.
        (100, 999999, 0, 100),
        # Not told is not zero.
        (None, 51200, None, None),
        (100, None, None, None),
        (None, None, None, None),
        (0, 0, 0, None),
    ],
)
def test_room_and_share_of_a_vault(size_gb, used_mb, free_mb, used_percent):
    vault = Vault(size_gb=size_gb, used_mb=used_mb)

    assert (vault.free_mb, vault.used_percent) == (free_mb, used_percent)


def test_vaults_are_sources_or_destinations_fit_or_not():
    source, full = a_vault(), a_vault(name="vault-locked", status="lock")
    target = a_replication_vault()

    assert set(Vault.objects.sources()) == {source, full}
    assert set(Vault.objects.destinations()) == {target}


def test_present_leaves_out_what_has_vanished_and_nothing_else():
    here, _gone = a_vault(), a_vault(name="vault-gone", vanished_at=NOW)

    assert list(Vault.objects.present()) == [here]
    assert Vault.objects.count() == 2


@pytest.mark.parametrize(
    ("fields", "in_replication_vault", "is_replica"),
    [
        ({"image_type": "backup"}, False, False),
        ({"image_type": "replication"}, False, True),
        ({"image_type": "backup"}, True, True),
        ({"image_type": ""}, False, False),
    ],
)
def test_backup_is_a_replica_by_its_kind_or_its_vault(fields, in_replication_vault, is_replica):
    vault = a_replication_vault() if in_replication_vault else a_vault()

    assert a_backup(vault=vault, **fields).is_replica is is_replica


def test_same_vault_is_listed_once_a_project_and_same_backup_once_a_vault():
    vault = a_vault(vault_id="vault-1")
    a_backup(vault=vault, backup_id="backup-1")

    with pytest.raises(IntegrityError), transaction.atomic():
        a_vault(vault_id="vault-1")
    with pytest.raises(IntegrityError), transaction.atomic():
        a_backup(vault=vault, backup_id="backup-1")
    a_vault(vault_id="vault-1", project=a_project("eu-de_internal", cloud="sandbox-internal"))
    a_backup(vault=a_vault(), backup_id="backup-1")

    assert (Vault.objects.count(), Backup.objects.count()) == (3, 2)


def test_vault_that_a_replication_tells_of_cannot_be_deleted():
    vault = a_replication().source_vault

    with pytest.raises(ProtectedError):
        vault.delete()


def test_rows_introduce_themselves_as_people_know_them():
    vault = a_vault(vault_id="7b4a")
    backup = a_backup(vault=vault, backup_id="b-1")
    nameless = a_backup(vault=vault, backup_id="b-2", name="")

    told = [str(row) for row in (vault.project.region, vault.project, vault, backup, nameless)]

    assert told == [
        "eu-de",
        "eu-de / eu-de_production",
        "vault-orders-db (7b4a)",
        "autobk_20261123 (b-1)",
        "pg-orders-01 (b-2)",
    ]
    assert str(CloudReading.objects.get()) == "sandbox-production"
