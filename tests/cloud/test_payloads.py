"""Vaults, backups and records as they stand in the documents; what is missing is none, what we need is named."""

import copy
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from replication.cloud import Backup, ReplicateOrder, ReplicationRecord, Unreadable, Vault, VaultResource
from tests.cloud.raw_server import document

PRODUCTION = "4229d7a45436489f8c3dc2b1d35d4987"
RECOVERY = "68589cac08274b82b4e254268a3862d8"
SOURCE_VAULT = "3b5816b5-f29c-4172-9d9a-76c719a659ce"
REPLICA_VAULT = "0ca3eb86-8800-46da-9c37-9d657a825274"
SERVERS = "0daac4c5-6707-4851-97ba-169e36266b66"

VAULT = Vault(
    id=SOURCE_VAULT,
    name="vault-orders-db",
    description="",
    project_id=PRODUCTION,
    provider_id=SERVERS,
    status="available",
    protect_type="backup",
    object_type="server",
    size_gb=1000,
    used_mb=412_672,
    allocated_gb=160,
    auto_expand=False,
    locked=False,
    created_at=datetime(2024, 3, 11, 8, 12, 44, 106_000, tzinfo=UTC),
    resources=(
        VaultResource(
            "97595625-198e-4e4d-879b-9d53f68ba551", "pg-orders-01", "OS::Nova::Server", 80, 3, "available"
        ),
        VaultResource(
            "1b6d0f5d-0c55-4a4e-9a2c-2f8a8f6a2f11", "pg-orders-02", "OS::Nova::Server", 80, 0, "protecting"
        ),
    ),
    tags=(("team", "orders"),),
)
TAKEN = datetime(2020, 2, 21, 7, 7, 25, 114_000, tzinfo=UTC)
BACKUP = Backup(
    id="7558e1a3-7046-4787-95cd-14b0ad0642a8",
    name="autobk_b629",
    project_id=PRODUCTION,
    vault_id=SOURCE_VAULT,
    checkpoint_id="8b0851a8-adf3-4f4c-a914-dead08bf9664",
    resource_id="97595625-198e-4e4d-879b-9d53f68ba551",
    resource_name="pg-orders-01",
    resource_type="OS::Nova::Server",
    resource_size_gb=80,
    status="available",
    image_type="backup",
    provider_id=SERVERS,
    created_at=TAKEN,
    updated_at=TAKEN,
    protected_at=TAKEN,
    expired_at=None,
    contain_system_disk=True,
    encrypted=False,
    incremental=False,
    replication_records=None,
)
RECORD = ReplicationRecord(
    id="892a7d1e-17c8-4751-ad75-cfbed7051857",
    status="replicating",
    created_at=datetime(2024, 5, 14, 9, 30, 0, 512_000, tzinfo=UTC),
    source_backup_id="6df2b54c-dd62-4059-a07c-1b8f24f2725d",
    vault_id=SOURCE_VAULT,
    destination_region="region2",
    destination_project_id=RECOVERY,
    destination_vault_id=REPLICA_VAULT,
    destination_backup_id="",
    progress_percent=37,
    fail_code="",
    fail_reason="",
    auto_trigger=False,
)


def test_the_documented_vault_is_read_with_its_units():
    assert Vault.from_json(document("vault")["vault"]) == VAULT


def test_a_replication_vault_of_both_clouds_is_read_alike():
    expected = replace(
        VAULT,
        id=REPLICA_VAULT,
        name="replica-orders",
        project_id=RECOVERY,
        protect_type="replication",
        size_gb=2000,
        used_mb=1536,
        allocated_gb=0,
        resources=(),
        tags=(),
    )

    for name in ("vault_replication", "vault_replication_huawei"):
        assert Vault.from_json(document(name)["vault"]) == expected


def test_a_time_without_a_zone_is_utc():
    vault = Vault.from_json(document("vaults_list")["vaults"][1])

    assert vault.created_at == datetime(2020, 2, 21, 7, 7, 25, 114_932, tzinfo=UTC)


def test_the_documented_backup_is_read_without_its_disks_and_tells_no_records():
    assert Backup.from_json(document("backup")["backup"]) == BACKUP


def test_a_replica_is_told_by_its_image_type():
    replica = Backup.from_json(document("backup_replica")["backup"])

    assert (replica.image_type, replica.vault_id, replica.replication_records) == (
        "replication",
        REPLICA_VAULT,
        None,
    )


def test_a_backup_of_the_sibling_cloud_tells_its_records():
    moment = datetime(2024, 5, 14, 1, 0, 7, 114_000, tzinfo=UTC)

    assert Backup.from_json(document("backup_huawei")["backup"]) == replace(
        BACKUP,
        id="6df2b54c-dd62-4059-a07c-1b8f24f2725d",
        name="autobk_c41d",
        created_at=moment,
        updated_at=moment,
        protected_at=moment,
        replication_records=(RECORD,),
    )


def test_extra_info_is_read_in_both_spellings_and_every_type():
    listed = document("backups_list_huawei_odd_extra_info")["backups"]

    records = [Backup.from_json(one).replication_records[0] for one in listed]

    assert records == [
        replace(
            RECORD,
            id="de128dfa-5451-4905-9c11-8fc842b2f41e",
            status="success",
            source_backup_id="7558e1a3-7046-4787-95cd-14b0ad0642a8",
            destination_backup_id="c3b0a3f4-7c0e-4d0f-8f44-6a2f0f9a1001",
            progress_percent=100,
        ),
        replace(RECORD, auto_trigger=None),
        replace(
            RECORD,
            id="8bf5ce8f-bfa1-4d57-98de-d6159ab9d86d",
            status="fail",
            source_backup_id="aa00034d-ef40-443d-ab7a-dc846d988cdf",
            progress_percent=None,
            auto_trigger=None,
        ),
    ]


@pytest.mark.parametrize("spelling", ["destination_vault_id", "destinatio_vault_id"])
@pytest.mark.parametrize("as_string", [True, False])
def test_a_record_without_a_destination_vault_takes_that_of_its_extra_info(spelling, as_string):
    wire = document("backup_huawei")["backup"]["replication_records"][0]
    del wire["destination_vault_id"]
    extra = {spelling: REPLICA_VAULT, "progress": "37"}
    wire["extra_info"] = str(extra).replace("'", '"') if as_string else extra

    assert ReplicationRecord.from_json(wire) == replace(RECORD, auto_trigger=None)


@pytest.mark.parametrize(("told", "records"), [(None, None), ([], ())])
def test_missing_records_are_not_an_empty_list_of_them(told, records):
    wire = document("backup_huawei")["backup"]
    wire["replication_records"] = told

    assert Backup.from_json(wire).replication_records == records


@pytest.mark.parametrize(
    ("detail", "top", "told"),
    [(True, False, True), (None, True, True), ("true", None, True), (None, None, None)],
)
def test_incremental_is_read_where_either_cloud_tells_it(detail, top, told):
    wire = document("backup")["backup"] | {"incremental": top}
    wire["extend_info"]["incremental"] = detail

    assert Backup.from_json(wire).incremental is told


LEAST = [
    (
        Vault,
        {
            "id": "v",
            "billing": {
                "status": "available",
                "protect_type": "backup",
                "object_type": "server",
                "size": "10",
                "used": 0,
            },
        },
    ),
    (VaultResource, {"id": "r"}),
    (ReplicationRecord, {"id": "r", "status": "a word that nobody knows"}),
    (Backup, {"id": "b", "vault_id": "v", "status": "available"}),
]


def test_the_least_that_is_needed_is_enough_and_what_is_missing_is_told_as_missing():
    assert [kind.from_json(least) for kind, least in LEAST] == [
        Vault("v", "", "", "", "", "available", "backup", "server", 10, 0, None, None, None, None, ()),
        VaultResource("r", "", "", None, None, ""),
        ReplicationRecord("r", "a word that nobody knows", None, "", "", "", "", "", "", None, "", ""),
        Backup("b", "", "", "v", "", "", "", "", None, "available", "", "", *[None] * 8),
    ]


def paths(value, above=()):
    for key, inner in value.items():
        yield (*above, key)
        if isinstance(inner, dict):
            yield from paths(inner, (*above, key))


NEEDED = [(kind, least, path) for kind, least in LEAST for path in paths(least)]


@pytest.mark.parametrize(
    ("kind", "least", "path"), NEEDED, ids=[f"{k.__name__}.{'.'.join(p)}" for k, _, p in NEEDED]
)
@pytest.mark.parametrize("how", ["absent", "null", "empty"])
def test_a_field_that_we_need_is_named_when_it_is_missing(kind, least, path, how):
    wire = copy.deepcopy(least)
    inner = wire
    for key in path[:-1]:
        inner = inner[key]
    if how == "absent":
        del inner[path[-1]]
    else:
        inner[path[-1]] = None if how == "null" else ""

    with pytest.raises(Unreadable) as caught:
        kind.from_json(wire, "here")

    assert caught.value.message.startswith(f"here.{'.'.join(path)}: ")


@pytest.mark.parametrize("kind", [kind for kind, _ in LEAST])
@pytest.mark.parametrize("value", [None, [], "x", 5, True])
def test_what_is_no_object_is_named(kind, value):
    with pytest.raises(Unreadable, match="here: expected an object"):
        kind.from_json(value, "here")


@pytest.mark.parametrize(("kind", "least"), LEAST, ids=[kind.__name__ for kind, _ in LEAST])
def test_fields_that_nobody_knows_are_ignored(kind, least):
    assert kind.from_json(least | {"unheard_of": [{}], "": None}) == kind.from_json(least)


def test_an_order_is_sent_as_documented_and_nothing_that_only_the_sibling_knows():
    order = ReplicateOrder(SOURCE_VAULT, "region2", RECOVERY, REPLICA_VAULT)

    assert order.to_json() == document("replicate_request")
    assert replace(order, auto_trigger=True).to_json()["replicate"]["auto_trigger"] is True
