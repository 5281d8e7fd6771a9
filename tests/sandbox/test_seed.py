"""The seeded world: the same for the same number, larger by the scale, and varied enough to practise on."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from replication.sandbox.seed import found_world

FOUNDED_AT = datetime(2024, 5, 14, 9, 30, tzinfo=UTC)


def found(seed=1, scale=1):
    return found_world(seed, scale, FOUNDED_AT, "user")


def test_the_same_seed_founds_the_same_world():
    assert found(7) == found(7)


def test_another_seed_founds_other_ids_and_sizes_under_the_same_names():
    one, two = found(1), found(2)

    assert not one.vaults.keys() & two.vaults.keys()
    assert {vault.name for vault in one.vaults.values()} == {vault.name for vault in two.vaults.values()}


def test_the_moment_of_founding_moves_days_and_no_ids():
    later = found_world(1, 1, FOUNDED_AT.replace(year=2026), "user")

    assert later.vaults.keys() == found().vaults.keys()
    assert later.records.keys() == found().records.keys()


@pytest.mark.parametrize("scale", [1, 3, 10])
def test_the_scale_multiplies_vaults_under_names_of_their_own(scale):
    world = found(scale=scale)

    assert len(world.vaults) == len({vault.name for vault in world.vaults.values()}) == 18 * scale
    assert len(world.projects) == 5


def test_a_larger_world_holds_the_smaller_one():
    assert found(scale=3).vaults.keys() > found().vaults.keys()


def test_every_kind_of_vault_is_there():
    vaults = found().vaults.values()

    kinds = Counter((vault.protect_type, vault.object_type) for vault in vaults)
    assert kinds == {
        ("backup", "server"): 12,
        ("backup", "disk"): 1,
        ("backup", "turbo"): 1,
        ("replication", "server"): 3,
        ("replication", "turbo"): 1,
    }
    assert {vault.status for vault in vaults} == {"available", "lock", "frozen", "error"}
    assert any(vault.locked for vault in vaults)


def test_vaults_are_full_empty_large_and_nearly_full():
    world = found()
    by_name = {vault.name: vault for vault in world.vaults.values()}

    def used_gb(name):
        return world.used_mb(by_name[name].id, FOUNDED_AT) / 1024

    def count(name):
        return len(list(world.vault_backups(by_name[name].id, FOUNDED_AT)))

    assert used_gb("vault-logging") >= by_name["vault-logging"].size_gb
    assert 0 < by_name["replica-archive"].size_gb - used_gb("replica-archive") < 50
    assert {name: count(name) for name in ("vault-intranet", "vault-data-warehouse", "vault-orders-db")} == {
        "vault-intranet": 0,
        "vault-data-warehouse": 400,
        "vault-orders-db": 14,
    }
    assert all(used_gb(name) <= vault.size_gb for name, vault in by_name.items() if name != "vault-logging")


def test_backups_are_unfit_for_every_reason():
    world = found()
    backups = [b for project in world.projects for b in world.project_backups(project, FOUNDED_AT)]

    assert {backup.status for backup in backups} == {"available", "protecting", "error", "restoring"}
    assert {backup.image_type for backup in backups} == {"backup", "replication"}
    assert {
        backup.contains_system_disk for backup in backups if backup.resource.type == "OS::Nova::Server"
    } == {True, False}
    assert sum(bool(backup.fails_with) for backup in backups) == 1


def test_everything_happened_before_the_founding():
    world = found()

    moments = [b.created_at for project in world.projects for b in world.project_backups(project, FOUNDED_AT)]
    moments += [record.ends_at for record in world.records.values()]
    moments += [log.created_at for log in world.operation_logs.values()]
    assert max(moments) < FOUNDED_AT


def test_policies_name_vaults_that_exist():
    world = found()

    named = {
        vault_id
        for policy in world.policies.values()
        for pair in policy.vaults
        for vault_id in pair
        if vault_id
    }
    assert named <= world.vaults.keys()
