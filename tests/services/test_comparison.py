"""A source vault beside a destination: who belongs to whom, how that is known, and what will ever remove a replica."""

from datetime import timedelta

import pytest

from replication.models import Backup, CloudReading, Vault
from replication.services import comparison
from tests.builders import (
    NOW,
    a_backup,
    a_project,
    a_record,
    a_replication,
    a_replication_vault,
    a_vault,
    an_operation_log,
    an_origin,
)


@pytest.fixture
def source(db):
    return a_vault(name="vault-orders-db")


@pytest.fixture
def destination(db):
    return a_replication_vault(name="replica-production")


def a_replica(destination, replica_id, **fields):
    return a_backup(
        vault=destination,
        backup_id=replica_id,
        **{"image_type": "replication", "created_at": NOW - timedelta(hours=9), **fields},
    )


def compare(source, destination):
    vaults = Vault.objects.select_related("project__region")
    return comparison.compare(vaults.get(pk=source.pk), vaults.get(pk=destination.pk), NOW)


def ids(pairs):
    return [
        (
            pair.source.backup_id if pair.source else pair.source_id or None,
            pair.replica.backup_id if pair.replica else None,
            pair.match.value if pair.match else None,
        )
        for pair in pairs
    ]


def lists(found):
    return {"here": ids(found.only_here), "both": ids(found.both), "there": ids(found.only_there)}


def test_replica_that_the_cloud_names_stands_beside_its_source(source, destination):
    a_backup(vault=source, backup_id="b-1")
    a_backup(vault=source, backup_id="b-2", name="another")
    a_replica(destination, "r-1", name="renamed", resource_id="another server")
    an_origin(source=source, backup_id="b-1", replica_id="r-1")

    assert lists(compare(source, destination)) == {
        "here": [("b-2", None, None)],
        "both": [("b-1", "r-1", "told")],
        "there": [],
    }


def test_replica_whose_source_has_expired_is_only_there_and_still_names_it(source, destination):
    a_backup(vault=source, backup_id="b-1", vanished_at=NOW)
    a_replica(destination, "r-1")
    a_replica(destination, "r-2", name="older than our inventory")
    an_origin(source=source, backup_id="b-1", replica_id="r-1")
    an_origin(source=source, backup_id="b-0", replica_id="r-2")

    found = compare(source, destination)

    assert sorted(ids(found.only_there)) == [("b-0", "r-2", "told"), ("b-1", "r-1", "told")]
    assert [pair.source is None for pair in found.only_there if pair.source_id == "b-0"] == [True]


def test_where_the_cloud_names_nothing_our_history_does_and_says_how(source, destination):
    a_backup(vault=source, backup_id="b-1", name="autobk_1")
    a_replica(destination, "r-1", name="autobk_1")
    replication = a_replication(source=source, destination=destination, status="succeeded")
    a_record(replication=replication, backup_id="b-1", status="succeeded", destination_backup_id="r-1")

    assert lists(compare(source, destination))["both"] == [("b-1", "r-1", "seen")]


def test_where_nobody_names_anything_server_and_name_are_a_guess(source, destination):
    a_backup(vault=source, backup_id="b-1", name="autobk_1")
    a_backup(vault=source, backup_id="b-2", name="autobk_2")
    a_replica(destination, "r-1", name="autobk_1")

    assert lists(compare(source, destination)) == {
        "here": [("b-2", None, None)],
        "both": [("b-1", "r-1", "guess")],
        "there": [],
    }


def test_replica_that_is_older_than_its_likeness_is_not_its_replica(source, destination):
    a_backup(vault=source, backup_id="b-1", created_at=NOW - timedelta(hours=1))
    a_replica(destination, "r-1", created_at=NOW - timedelta(hours=9))

    assert lists(compare(source, destination)) == {
        "here": [("b-1", None, "alike")],
        "both": [],
        "there": [(None, "r-1", "alike")],
    }


def test_several_alike_are_right_in_number_and_said_not_to_be_told_apart(source, destination):
    for number, hours in enumerate((30, 20, 10)):
        a_backup(vault=source, backup_id=f"b-{number}", created_at=NOW - timedelta(hours=hours))
    a_replica(destination, "r-0", created_at=NOW - timedelta(hours=29))
    a_replica(destination, "r-1", created_at=NOW - timedelta(hours=19))

    assert lists(compare(source, destination)) == {
        "here": [("b-2", None, "alike")],
        "both": [("b-1", "r-1", "alike"), ("b-0", "r-0", "alike")],
        "there": [],
    }


def test_expired_backup_with_the_same_server_and_name_is_a_guess(source, destination):
    a_backup(vault=source, backup_id="b-1", vanished_at=NOW, created_at=NOW - timedelta(days=2))
    a_replica(destination, "r-1")

    assert lists(compare(source, destination))["there"] == [("b-1", "r-1", "guess")]


def test_replica_of_a_server_of_the_vault_without_any_likeness_is_the_weakest_guess(source, destination):
    a_backup(vault=source, backup_id="b-1", name="autobk_1")
    a_replica(destination, "r-9", name="autobk_9")

    assert lists(compare(source, destination))["there"] == [(None, "r-9", "server")]


def test_replicas_of_other_vaults_are_counted_and_never_shown_as_ours(source, destination):
    other = a_vault(name="vault-erp")
    a_backup(vault=source, backup_id="b-1")
    # The server has moved: both vaults have backups of it.
    a_backup(vault=other, backup_id="o-1", name="autobk_other")
    a_backup(vault=other, backup_id="o-2", resource_id="another server")
    a_replica(destination, "r-named")
    an_origin(source=other, backup_id="o-1", replica_id="r-named")
    a_replica(destination, "r-like-the-other", name="autobk_other")
    a_replica(destination, "r-of-another-server", resource_id="another server")
    a_replica(destination, "r-of-nobody", resource_id="a server that nobody knows")

    found = compare(source, destination)

    assert lists(found) == {"here": [("b-1", None, None)], "both": [], "there": []}
    assert (found.of_others, found.of_nobody) == (3, 1)


def test_replica_in_another_vault_is_not_in_this_one(source, destination):
    elsewhere = a_replication_vault(name="replica-small")
    a_backup(vault=source, backup_id="b-1")
    a_replica(elsewhere, "r-1")
    an_origin(source=source, backup_id="b-1", replica_id="r-1")

    assert lists(compare(source, destination)) == {"here": [("b-1", None, None)], "both": [], "there": []}


@pytest.mark.parametrize(
    ("here", "there", "differences"),
    [
        ({}, {}, []),
        ({}, {"status": "error"}, ["state_there"]),
        ({}, {"resource_size_gb": 60}, ["size"]),
        (
            {"status": "deleting"},
            {"status": "error", "resource_size_gb": None},
            ["state_there", "size", "state_here"],
        ),
    ],
)
def test_differences_of_a_pair_are_named(source, destination, here, there, differences):
    a_backup(vault=source, backup_id="b-1", **here)
    a_replica(destination, "r-1", **there)

    [pair] = compare(source, destination).both

    assert [one.value for one in pair.differences] == differences


def test_pairs_that_differ_come_first_and_then_the_newest(source, destination):
    for number, status in enumerate(["available", "available", "error"]):
        made = NOW - timedelta(days=number)
        a_backup(vault=source, backup_id=f"b-{number}", name=f"n-{number}", created_at=made)
        a_replica(destination, f"r-{number}", name=f"n-{number}", status=status, created_at=made)

    assert [pair.source_id for pair in compare(source, destination).both] == ["b-2", "b-0", "b-1"]


def pair_of(source, destination, **fields):
    a_backup(vault=source, backup_id="b-1")
    a_replica(destination, "r-1", **fields)


def keeping(source, destination):
    [pair] = compare(source, destination).both
    return pair.keeping.value, pair.keeping_from


def test_replica_that_we_started_is_removed_by_no_retention(source, destination):
    pair_of(source, destination)
    ours = a_replication(source=source, destination=destination, status="succeeded")
    a_record(replication=ours, backup_id="b-1", status="succeeded")

    assert keeping(source, destination) == ("manual", "history")


def test_what_the_cloud_makes_of_our_auto_trigger_is_not_known(source, destination):
    pair_of(source, destination)
    ours = a_replication(source=source, destination=destination, status="succeeded", auto_trigger=True)
    a_record(replication=ours, backup_id="b-1", status="succeeded")

    assert keeping(source, destination) == ("unknown", "history")


@pytest.mark.parametrize(
    ("is_automatic", "expected"),
    [
        (True, ("policy", "replication_records")),
        (False, ("manual", "replication_records")),
        (None, ("unknown", "")),
    ],
)
def test_replication_records_tell_whether_a_policy_started_it(source, destination, is_automatic, expected):
    pair_of(source, destination)
    an_origin(source=source, backup_id="b-1", replica_id="r-1", is_automatic=is_automatic)

    assert keeping(source, destination) == expected


@pytest.mark.parametrize(
    ("policy_id", "expected"), [("policy-1", ("policy", "operation_log")), ("", ("manual", "operation_log"))]
)
def test_operation_log_tells_whether_a_policy_started_it(source, destination, policy_id, expected):
    pair_of(source, destination)
    an_operation_log(vault=source, backup_id="b-1", policy_id=policy_id)

    assert keeping(source, destination) == expected


def test_how_old_the_knowledge_of_who_started_it_is_stands_beside_it(source, destination):
    pair_of(source, destination)
    an_operation_log(vault=source, backup_id="b-1", read_at=NOW - timedelta(days=12))

    [pair] = compare(source, destination).both

    assert pair.keeping_read_at == NOW - timedelta(days=12)


def test_failed_log_and_one_to_another_region_tell_nothing(source, destination):
    pair_of(source, destination)
    an_operation_log(vault=source, backup_id="b-1", status="failed")
    an_operation_log(vault=source, backup_id="b-1", destination_region="eu-ch2")

    assert keeping(source, destination) == ("unknown", "")


def test_what_was_started_elsewhere_by_a_policy_is_removed_by_it(source, destination):
    pair_of(source, destination)
    foreign = a_replication(source=source, destination=destination, status="succeeded", auto_trigger=True)
    type(foreign).objects.filter(pk=foreign.pk).update(origin="foreign", actor=None)
    a_record(replication=foreign, backup_id="b-1", status="succeeded", operation_log_id="log-1")

    assert keeping(source, destination) == ("policy", "operation_log")


def test_replica_with_a_date_expires_whoever_started_it(source, destination):
    pair_of(source, destination, expired_at=NOW + timedelta(days=9))
    ours = a_replication(source=source, destination=destination, status="succeeded")
    a_record(replication=ours, backup_id="b-1", status="succeeded")

    assert keeping(source, destination) == ("expires", "replica")


def test_kept_replicas_are_summed_with_the_unknown_apart_and_the_oldest_first(source, destination):
    for number, is_automatic in enumerate([False, False, None, True]):
        made = NOW - timedelta(days=number)
        a_backup(vault=source, backup_id=f"b-{number}", created_at=made - timedelta(hours=1), vanished_at=NOW)
        a_replica(destination, f"r-{number}", resource_size_gb=None if number == 1 else 40, created_at=made)
        an_origin(source=source, backup_id=f"b-{number}", replica_id=f"r-{number}", is_automatic=is_automatic)

    found = compare(source, destination)

    assert [pair.replica.backup_id for pair in found.kept] == ["r-1", "r-0"]
    assert comparison.sum_of(found.kept) == comparison.Sum(
        count=2, gb=40, untold=1, oldest_at=NOW - timedelta(days=1)
    )
    assert [pair.replica.backup_id for pair in found.doubtful] == ["r-2"]


@pytest.mark.parametrize(
    ("reading", "state", "is_sure", "is_blind"),
    [
        ({}, "good", True, False),
        ({"error": "The gateway does not answer."}, "failed", False, False),
        ({"read_at": NOW - timedelta(hours=2)}, "old", False, False),
        ({"read_at": None}, "never", False, True),
    ],
)
def test_side_says_how_well_it_was_read(source, destination, reading, state, is_sure, is_blind):
    CloudReading.objects.filter(cloud="sandbox-recovery").update(**reading)

    found = compare(source, destination)

    assert (found.destination.state.value, found.is_sure, found.destination.is_blind) == (
        state,
        is_sure,
        is_blind,
    )


def test_destination_that_no_account_reads_is_blind(source):
    project = a_project("eu-nl_foreign", cloud="")
    found = compare(source, a_replication_vault(project=project))

    assert (found.destination.state.value, found.destination.read_at) == ("never", None)


def test_vault_that_is_gone_is_not_called_read(source, destination):
    Vault.objects.filter(pk=destination.pk).update(vanished_at=NOW)

    assert compare(source, destination).destination.state.value == "gone"


def test_comparison_costs_the_same_for_ten_backups_and_for_two_thousand(
    source, destination, django_assert_max_num_queries
):
    rows = [
        Backup(
            vault=vault,
            backup_id=f"{kind}-{number}",
            name=f"n-{number}",
            resource_id="server",
            resource_name="server",
            status="available",
            created_at=NOW - timedelta(hours=number),
        )
        for vault, kind in ((source, "b"), (destination, "r"))
        for number in range(2000)
    ]
    Backup.objects.bulk_create(rows, batch_size=500)
    vaults = [Vault.objects.select_related("project__region").get(pk=one.pk) for one in (source, destination)]

    with django_assert_max_num_queries(11):
        found = comparison.compare(*vaults, NOW)

    assert (len(found.both), len(found.only_here), len(found.only_there)) == (2000, 0, 0)
