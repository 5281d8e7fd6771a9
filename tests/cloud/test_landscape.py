"""Regions, projects, capabilities and policies, as they stand in the documents."""

from datetime import UTC, datetime

import pytest

from replication.cloud import (
    AssociatedVault,
    Policy,
    Project,
    Region,
    ReplicationCapability,
    Retention,
    Unreadable,
)
from tests.cloud.raw_server import document

EVERY_NIGHT = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR=02;BYMINUTE=00"
SOURCE_VAULT = "3b5816b5-f29c-4172-9d9a-76c719a659ce"


def test_policies_pair_source_and_destination_vaults():
    replicate, backup = [Policy.from_json(one) for one in document("policies_list")["policies"]]

    assert replicate == Policy(
        id="cbb3ce6f-3332-4e7c-b98e-77290d8471ff",
        name="replicate-nightly",
        enabled=True,
        operation_type="replication",
        destination_region="eu-nl",
        destination_project_id="68589cac08274b82b4e254268a3862d8",
        associated_vaults=(AssociatedVault(SOURCE_VAULT, "0ca3eb86-8800-46da-9c37-9d657a825274"),),
        patterns=(EVERY_NIGHT,),
        started_at=datetime(2024, 3, 11, 8, 20, tzinfo=UTC),
        retention=Retention(30, None, None, None, None, None, ""),
    )
    assert backup == Policy(
        id="a0d3f6b2-5a0b-4b1e-9b3a-5e6f7a8b9c0d",
        name="backup-nightly",
        enabled=False,
        operation_type="backup",
        destination_region="",
        destination_project_id="",
        associated_vaults=(
            AssociatedVault(SOURCE_VAULT, ""),
            AssociatedVault("84c4ee90-bb0e-4b1c-a2c6-7c2f4d3a9b02", ""),
        ),
        patterns=(EVERY_NIGHT,),
        started_at=datetime(2024, 3, 11, 8, 20, tzinfo=UTC),
        retention=Retention(None, 30, 7, 4, 12, 1, "UTC+01:00"),
    )


def test_minus_one_and_nothing_both_mean_that_no_limit_deletes_anything():
    def retention(**definition):
        policy = {"id": "p", "operation_type": "replication", "operation_definition": definition}
        return Policy.from_json(policy).retention

    for_good = Retention(None, None, None, None, None, None, "")
    assert retention() == retention(retention_duration_days=-1) == retention(max_backups="-1") == for_good


def test_a_policy_is_enabled_unless_it_says_otherwise():
    least = {"id": "p", "operation_type": "backup"}

    assert [
        Policy.from_json(least | extra).enabled for extra in ({}, {"enabled": None}, {"enabled": "false"})
    ] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("name", "region"),
    [("eu-de", "eu-de"), ("eu-de_production", "eu-de"), ("eu-nl_a_b", "eu-nl"), ("_x", "")],
)
def test_the_region_of_a_project_is_its_names_beginning(name, region):
    assert Project.from_json({"id": "p", "name": name}) == Project("p", name, region, True, "")


@pytest.mark.parametrize("wire", [{"id": "p", "name": "MOS"}, {"id": "p", "name": "x", "is_domain": True}])
def test_what_can_hold_no_vault_is_no_project(wire):
    assert Project.from_json(wire) is None


@pytest.mark.parametrize(
    ("kind", "wire", "named"),
    [
        (Region, {}, "here.id: missing"),
        (Region, {"id": {}}, "here.id: expected a string, got an object"),
        (Project, {"id": "p"}, "here.name: missing"),
        (Project, {"name": "eu-de"}, "here.id: missing"),
        (Project, {"id": "p", "name": "eu-de", "enabled": "perhaps"}, "here.enabled: expected true or false"),
        (ReplicationCapability, {"replication_destinations": []}, "here.name: missing"),
        (ReplicationCapability, {"name": "eu-de"}, "here.replication_destinations: missing"),
        (
            ReplicationCapability,
            {"name": "eu-de", "replication_destinations": ["eu-nl", None]},
            r"here.replication_destinations\[1\]: expected a string, got null",
        ),
        (Policy, {"operation_type": "backup"}, "here.id: missing"),
        (Policy, {"id": "p"}, "here.operation_type: missing"),
        (
            Policy,
            {"id": "p", "operation_type": "backup", "associated_vaults": [{}]},
            r"here.associated_vaults\[0\].vault_id: missing",
        ),
    ],
)
def test_a_field_that_we_need_is_named(kind, wire, named):
    with pytest.raises(Unreadable, match=named):
        kind.from_json(wire, "here")


def test_a_region_that_can_replicate_nowhere_says_so():
    wire = {"name": "eu-nl", "replication_destinations": []}

    assert ReplicationCapability.from_json(wire) == ReplicationCapability("eu-nl", ())
