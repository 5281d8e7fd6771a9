"""Lists and single objects: filters, pages, sorting, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.sandbox.visitor import code_of


def ids(items):
    return [item["id"] for item in items]


def names(answer):
    return [vault["name"] for vault in answer.json()["vaults"]]


def walk(visitor, path, key, **query):
    """Follow offset pages until one is empty."""
    found = []
    while page := visitor.get(path, offset=len(found), **query).json()[key]:
        found += page
    return found


@pytest.mark.parametrize(
    ("path", "key", "limit"),
    [("vaults", "vaults", 2), ("backups", "backups", 97), ("operation-logs", "operation_logs", 50)],
)
def test_pages_together_are_the_whole_list(visitor, path, key, limit):
    whole = visitor.get(path).json()

    pages = walk(visitor, path, key, limit=limit)

    assert ids(pages) == ids(whole[key])
    assert whole["count"] == len(pages)


def test_a_page_echoes_count_limit_and_offset(visitor):
    answer = visitor.get("backups", limit=2, offset=1).json()

    assert {name: answer[name] for name in ("count", "limit", "offset")} == {
        "count": 459,
        "limit": 2,
        "offset": 1,
    }
    assert len(answer["backups"]) == 2


def test_backups_can_be_paged_by_marker(visitor):
    whole = ids(visitor.backups("vault-orders-db"))

    page = visitor.backups("vault-orders-db", marker=whole[3], limit=4)

    assert ids(page) == whole[4:8]


@pytest.mark.parametrize("path", ["vaults", "backups", "operation-logs"])
@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "1001"},
        {"limit": "-1"},
        {"limit": "ten"},
        {"limit": ""},
        {"offset": "-1"},
        {"offset": "x"},
    ],
)
def test_a_page_that_cannot_be_is_refused(visitor, path, query):
    assert code_of(visitor.get(path, **query)) == (400, "BackupService.9900")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("vaults", {"object_type": "spaceship"}),
        ("vaults", {"status": "fine"}),
        ("vaults", {"cloud_type": "private"}),
        ("vaults", {"protect_type": "none"}),
        ("backups", {"status": "fine"}),
        ("backups", {"sort": "size"}),
        ("backups", {"sort": "name:up"}),
        ("backups", {"start_time": "yesterday"}),
        ("backups", {"start_time": "2024-13-01T00:00:00Z"}),
        ("backups", {"end_time": "2024-01-01 00:00:00"}),
        ("backups", {"marker": "nothing"}),
        ("backups", {"used_percent": "101"}),
        ("backups", {"own_type": "stolen"}),
        ("backups", {"dec": "maybe"}),
        ("backups", {"name": "x" * 256}),
        ("operation-logs", {"operation_type": "flight"}),
        ("operation-logs", {"status": "done"}),
        ("operation-logs", {"start_time": "2024-01-01T00:00:00+00:00"}),
        ("policies", {"operation_type": "none"}),
    ],
)
def test_a_filter_value_outside_the_reference_is_refused(visitor, path, query):
    assert code_of(visitor.get(path, **query)) == (400, "BackupService.9900")


@pytest.mark.parametrize(
    ("path", "query"),
    [("vaults", {"object_type": "vmware"}), ("vaults", {"protect_type": "hybrid"})],
)
def test_a_value_that_only_the_sibling_documents_finds_nothing_there(open_cloud, path, query):
    visitor = open_cloud(profile="huawei")

    assert visitor.get(path, **query).json()["count"] == 0


def test_filters_that_only_the_sibling_documents_work_there_and_are_ignored_here(open_cloud, visitor):
    sibling = open_cloud(profile="huawei")

    def count(cloud, **query):
        return cloud.get("backups", vault_id=cloud.vault_id("vault-orders-db"), **query).json()["count"]

    assert count(sibling, incremental="true") + count(sibling, incremental="false") == 14
    assert 0 < count(sibling, incremental="true") < 14
    assert count(sibling, enterprise_project_id="0") == 14
    assert count(sibling, enterprise_project_id="6b0c8d8f-5a7e-4d2b-9d71-0d6a1d0f0f11") == 0
    assert count(visitor, incremental="true", enterprise_project_id="6b0c8d8f") == 14


def test_an_empty_filter_filters_nothing(visitor):
    assert visitor.get("vaults", id="", name="").json() == visitor.get("vaults").json()


def test_an_unknown_parameter_is_ignored(visitor):
    assert visitor.get("vaults", marker="x", colour="red").json() == visitor.get("vaults").json()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"name": "vault-erp"}, ["vault-erp"]),
        ({"object_type": "turbo"}, ["vault-media-share"]),
        ({"object_type": "disk"}, []),
        ({"protect_type": "replication"}, []),
        ({"status": "error"}, []),
    ],
)
def test_vaults_are_filtered(visitor, query, found):
    assert names(visitor.get("vaults", **query)) == found


def test_vaults_are_filtered_by_ids_resources_and_policy(visitor):
    erp = visitor.get("vaults", name="vault-erp").json()["vaults"][0]
    policy = next(
        p for p in visitor.get("policies").json()["policies"] if p["operation_type"] == "replication"
    )

    by_id = visitor.get("vaults", id=[erp["id"], visitor.vault_id("vault-payments")])
    by_resource = visitor.get("vaults", resource_ids=f"{erp['resources'][0]['id']},unknown")
    by_policy = visitor.get("vaults", policy_id=policy["id"])

    assert [sorted(names(answer)) for answer in (by_id, by_resource, by_policy)] == [
        ["vault-erp", "vault-payments"],
        ["vault-erp"],
        ["vault-erp"],
    ]


def test_a_vault_tells_its_size_in_gigabytes_and_its_use_in_megabytes(visitor):
    vaults = visitor.get("vaults").json()["vaults"]

    full = [vault["name"] for vault in vaults if vault["billing"]["used"] >= vault["billing"]["size"] * 1024]
    assert full == ["vault-logging"]
    for vault in vaults:
        assert vault["billing"]["used"] == sum(resource["backup_size"] for resource in vault["resources"])
        assert vault["billing"]["allocated"] == sum(resource["size"] for resource in vault["resources"])


def test_replication_vaults_are_found_by_their_protect_type(visit):
    answer = visit("eu-nl_recovery").get("vaults", protect_type="replication")

    assert sorted(names(answer)) == ["replica-media", "replica-production"]


def test_backups_are_filtered_by_what_they_are_of(visitor):
    some = visitor.backups("vault-erp")[0]

    def found(**query):
        return set(ids(visitor.get("backups", **query).json()["backups"]))

    same = {
        name: some[name] for name in ("vault_id", "checkpoint_id", "resource_id", "resource_name", "name")
    }
    assert found(
        **same, resource_type="OS::Nova::Server", image_type="backup", resource_az=some["resource_az"]
    ) == {some["id"]}
    assert found(vault_id=some["vault_id"], resource_type="OS::Cinder::Volume") == set()
    assert found(vault_id=some["vault_id"], image_type="replication") == set()
    assert found(own_type="shared") == set()


def test_backups_are_filtered_by_any_of_several_statuses(visitor):
    found = visitor.backups("vault-web-shop", status=["error", "protecting"])

    assert sorted(backup["status"] for backup in found) == ["error", "protecting"]


def test_backups_are_filtered_by_time(visitor):
    edge = datetime.now(UTC).replace(microsecond=0) - timedelta(days=20)
    text = f"{edge:%Y-%m-%dT%H:%M:%SZ}"

    older = visitor.backups("vault-data-warehouse", end_time=text)
    younger = visitor.backups("vault-data-warehouse", start_time=text)

    assert len(older) + len(younger) == 400
    assert max(b["created_at"] for b in older) < edge.isoformat() < min(b["created_at"] for b in younger)


def test_backups_are_filtered_by_how_full_their_vault_is(visitor):
    found = visitor.get("backups", used_percent=100).json()["backups"]

    assert {backup["vault_id"] for backup in found} == {visitor.vault_id("vault-logging")}


def test_the_parts_of_a_backup_are_found_by_their_parent_and_by_their_id(visitor):
    parent = visitor.backups("vault-payments")[0]

    listed = visitor.get("backups", parent_id=parent["id"]).json()["backups"]
    single = visitor.get(f"backups/{parent['children'][0]['id']}").json()["backup"]

    assert ids(listed) == ids(sorted(parent["children"], key=lambda child: child["created_at"]))
    assert single == parent["children"][0]


@pytest.mark.parametrize(
    ("sort", "key", "backwards"),
    [
        ("", "created_at", True),
        ("created_at", "created_at", True),
        ("created_at:asc", "created_at", False),
        ("name:desc", "name", True),
        ("id:asc", "id", False),
    ],
)
def test_backups_are_sorted(visitor, sort, key, backwards):
    values = [backup[key] for backup in visitor.backups("vault-orders-db", sort=sort)]

    assert values == sorted(values, reverse=backwards)


def test_backups_are_sorted_by_several_keys(visitor):
    values = [(b["status"], b["name"]) for b in visitor.backups("vault-web-shop", sort="status:asc,name:asc")]

    assert values == sorted(values)


def test_operation_logs_are_filtered(visitor):
    visitor.replicate()

    def found(**query):
        return visitor.get("operation-logs", **query).json()["operation_logs"]

    everything = found()
    some = found(operation_type="backup", vault_id=visitor.vault_id("vault-web-shop"), status="failed")
    assert [(log["status"], log["error_info"]["code"]) for log in some] == [("failed", "BackupService.9910")]
    assert ids(found(vault_name="vault-web-shop", status="failed")) == ids(some)
    assert ids(found(resource_id=some[0]["extra_info"]["resource"]["id"], status="failed")) == ids(some)
    assert len(found(status="waiting")) == len(found(vault_name="vault-orders-db", status="waiting")) > 0
    assert len(found(start_time="2020-01-01T00:00:00Z")) == len(everything)
    assert found(end_time="2020-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        ("vaults/7558e1a3-7046-4787-95cd-14b0ad0642a8", (404, "BackupService.6105")),
        ("backups/7558e1a3-7046-4787-95cd-14b0ad0642a8", (404, "BackupService.6200")),
        ("operation-logs/nothing", (404, "BackupService.6500")),
        ("policies/nothing", (404, "BackupService.6000")),
    ],
)
def test_what_does_not_exist_is_not_found(visitor, path, refusal):
    assert code_of(visitor.get(path)) == refusal


def test_objects_of_another_project_are_not_found(visitor):
    backup = visitor.backups("vault-erp")[0]
    other = visitor.vault_id("vault-mail")

    assert visitor.get(f"backups/{backup['id']}").status_code == 200
    assert code_of(visitor.get(f"vaults/{other}")) == (404, "BackupService.6105")


def test_a_replica_lies_in_its_destination_project_only(visitor, visit):
    recovery = visit("eu-nl_recovery")
    replica = recovery.backups("replica-production")[0]

    assert recovery.get(f"backups/{replica['id']}").json()["backup"]["image_type"] == "replication"
    assert code_of(visitor.get(f"backups/{replica['id']}")) == (404, "BackupService.6200")


def test_a_replication_policy_pairs_its_vaults(visitor):
    policies = visitor.get("policies", operation_type="replication").json()["policies"]

    assert [policy["associated_vaults"] for policy in policies] == [
        [
            {
                "vault_id": visitor.vault_id("vault-erp"),
                "destination_vault_id": visitor.vault_id("replica-production"),
            }
        ]
    ]
    assert visitor.get("policies", vault_id=visitor.vault_id("vault-payments")).json() == {
        "policies": [],
        "count": 0,
    }


def test_both_profiles_write_times_in_their_own_form(open_cloud):
    zoned = open_cloud(profile="otc").backups("vault-erp")[0]["created_at"]
    naive = open_cloud(profile="huawei").backups("vault-erp")[0]["created_at"]

    assert (zoned[-6:], len(zoned), len(naive)) == ("+00:00", 29, 26)
