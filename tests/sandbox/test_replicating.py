"""A replication from its acceptance to its end: records, logs, replicas, capacity, and what later runs take."""

import pytest

from tests.sandbox.visitor import code_of


def statuses(logs):
    return {log["extra_info"]["backup"]["backup_id"]: log["status"] for log in logs}


def test_the_answer_echoes_the_order_and_names_a_record_for_every_backup(visitor):
    backups = {backup["id"] for backup in visitor.backups("vault-orders-db")}

    answer = visitor.replicate()

    replication = answer.json()["replication"]
    listed = replication.pop("backups")
    wishes = visitor.order()["replicate"]
    assert answer.status_code == 200
    assert replication == wishes | {
        "source_region": "eu-de",
        "project_id": visitor.project_id,
        "provider_id": "0daac4c5-6707-4851-97ba-169e36266b66",
    }
    assert {item["backup_id"] for item in listed} == backups
    assert len({item["replication_record_id"] for item in listed}) == len(backups) == 14


def test_a_replication_moves_from_waiting_over_running_to_success(visitor):
    visitor.replicate()

    seen = []
    for _ in range(40):
        logs = visitor.replication_logs()
        seen.append(sum(log["extra_info"]["common"]["progress"] for log in logs) / len(logs))
        words = {log["status"] for log in logs}
        if words == {"success"}:
            break
        visitor.advance(300)

    assert seen == sorted(seen)
    assert (seen[0], seen[-1], words) == (0, 100, {"success"})


def test_no_more_than_four_backups_of_a_vault_are_copied_side_by_side(visitor):
    visitor.replicate()
    visitor.advance(60)

    words = list(statuses(visitor.replication_logs()).values())

    assert (words.count("running"), words.count("waiting")) == (4, 10)


def test_a_healthy_vault_takes_about_a_minute_at_speed_sixty(open_cloud):
    visitor = open_cloud(speed=60)
    visitor.replicate()

    visitor.advance(55)
    before = set(statuses(visitor.replication_logs()).values())
    visitor.advance(40)
    after = set(statuses(visitor.replication_logs()).values())

    assert "running" in before
    assert after == {"success"}


def test_one_log_tells_of_each_backup(visitor):
    accepted = {item["backup_id"] for item in visitor.replicate().json()["replication"]["backups"]}

    logs = visitor.replication_logs()

    assert statuses(logs).keys() == accepted
    assert {(log["vault_id"], log["operation_type"], log["error_info"]["code"]) for log in logs} == {
        (visitor.vault_id("vault-orders-db"), "replication", "")
    }
    assert len({log["extra_info"]["common"]["task_id"] for log in logs}) == len(logs)
    assert len({log["extra_info"]["common"]["request_id"] for log in logs}) == 1


def test_a_replica_arrives_with_the_names_of_its_source_and_an_id_of_its_own(visitor, visit):
    recovery = visit("eu-nl_recovery")
    source = {backup["name"]: backup for backup in visitor.backups("vault-payments")}
    visitor.replicate("vault-payments", "replica-production")
    before = {backup["id"] for backup in recovery.backups("replica-production")}

    visitor.advance(12 * 3600)
    replicas = [backup for backup in recovery.backups("replica-production") if backup["id"] not in before]

    kept = ("name", "resource_id", "resource_name", "resource_type", "resource_size", "provider_id")
    assert {tuple(replica[name] for name in kept) for replica in replicas} == {
        tuple(backup[name] for name in kept) for backup in source.values()
    }
    assert {(r["image_type"], r["status"], r["vault_id"]) for r in replicas} == {
        ("replication", "available", recovery.vault_id("replica-production"))
    }
    assert all(replica["extend_info"]["contain_system_disk"] for replica in replicas)
    assert all(replica["created_at"] > source[replica["name"]]["created_at"] for replica in replicas)


def test_used_capacity_of_the_destination_grows_by_what_arrives(visitor, visit):
    archive = visit("eu-nl_archive")

    def used():
        vault = archive.get(f"vaults/{archive.vault_id('replica-longterm')}").json()["vault"]
        return vault["billing"]["used"]

    source = visitor.get(f"vaults/{visitor.vault_id('vault-orders-db')}").json()["vault"]["billing"]["used"]
    visitor.replicate(target="replica-longterm")
    growth = [used()]
    for seconds in (1800, 1800, 12 * 3600):
        visitor.advance(seconds)
        growth.append(used())

    assert growth == sorted(growth)
    assert (growth[0], growth[-1]) == (0, source)
    assert 0 < growth[1] < source


def test_one_backup_of_a_seeded_vault_always_fails(visitor):
    visitor.replicate("vault-web-shop")
    visitor.advance(24 * 3600 - 60)

    logs = visitor.replication_logs("vault-web-shop")

    failed = [log for log in logs if log["status"] != "success"]
    assert len(logs) == 7
    assert [(log["status"], log["error_info"]["code"]) for log in failed] == [
        ("failed", "BackupService.1006")
    ]


def test_a_failed_record_names_its_code_once_it_has_failed(open_cloud):
    visitor = open_cloud(profile="huawei")
    visitor.replicate("vault-web-shop")

    def extra_infos():
        backups = visitor.backups("vault-web-shop", show_replication="true")
        return [
            r["extra_info"] for b in backups for r in b["replication_records"] if r["status"] != "success"
        ]

    before = {info["fail_code"] for info in extra_infos()}
    visitor.advance(24 * 3600 - 60)
    after = extra_infos()

    assert before == {""}
    assert [(info["fail_code"], info["progress"]) for info in after] == [("BackupService.1006", 85)]


def test_a_second_run_takes_what_is_new_and_what_has_failed(visitor):
    first = {
        item["backup_id"] for item in visitor.replicate("vault-web-shop").json()["replication"]["backups"]
    }
    visitor.advance(24 * 3600 - 60)
    failed = {
        log["extra_info"]["backup"]["backup_id"]
        for log in visitor.replication_logs("vault-web-shop")
        if log["status"] == "failed"
    }
    added = visitor.control("POST", "backups", {"vault_id": visitor.vault_id("vault-web-shop")}).json()[
        "backup_id"
    ]

    second = {
        item["backup_id"] for item in visitor.replicate("vault-web-shop").json()["replication"]["backups"]
    }

    assert second == failed | {added}
    assert len(first) == 7


def test_a_vault_replicated_in_part_before_takes_the_rest(visitor):
    taken = visitor.replicate("vault-erp").json()["replication"]["backups"]

    newest = sorted(visitor.backups("vault-erp"), key=lambda backup: backup["created_at"])[6:]
    assert {item["backup_id"] for item in taken} == {backup["id"] for backup in newest}


def test_nothing_left_to_replicate_is_an_empty_list(visitor):
    visitor.replicate("vault-erp")
    visitor.advance(12 * 3600)

    answer = visitor.replicate("vault-erp")

    assert (answer.status_code, answer.json()["replication"]["backups"]) == (200, [])


@pytest.mark.parametrize(
    ("switches", "code"),
    [({"all_replicated": "refuse_1009"}, "1009"), ({"all_replicated": "refuse_0001"}, "0001")],
)
def test_nothing_left_to_replicate_may_be_refused(open_cloud, switches, code):
    visitor = open_cloud(switches=switches)
    visitor.replicate("vault-erp")
    visitor.advance(12 * 3600)

    assert code_of(visitor.replicate("vault-erp")) == (400, f"BackupService.{code}")


def test_a_second_run_may_be_refused_altogether(open_cloud):
    visitor = open_cloud(switches={"second_run": "refuse_1009"})

    assert code_of(visitor.replicate("vault-erp")) == (400, "BackupService.1009")


def test_without_its_own_guard_the_cloud_copies_everything_again(open_cloud):
    visitor = open_cloud(switches={"duplicate_guard": "off"})

    first = visitor.replicate("vault-orders-db").json()["replication"]["backups"]
    second = visitor.replicate("vault-orders-db").json()["replication"]["backups"]

    assert len(first) == 14
    assert [one["backup_id"] for one in second] == [one["backup_id"] for one in first]
    assert {one["replication_record_id"] for one in first}.isdisjoint(
        one["replication_record_id"] for one in second
    )


def test_without_its_own_guard_the_cloud_copies_one_backup_again(open_cloud):
    visitor = open_cloud(switches={"duplicate_guard": "off"})
    backup_id = visitor.backups("vault-orders-db")[0]["id"]

    answers = [visitor.post(f"backups/{backup_id}/replicate", visitor.backup_order()) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert len({answer.json()["replication"]["replication_record_id"] for answer in answers}) == 2


def test_the_operation_log_may_be_silent_about_replications(open_cloud):
    visitor = open_cloud(switches={"replication_logs": "absent"})
    before = visitor.get("operation-logs").json()["count"]

    visitor.replicate("vault-orders-db")

    assert (visitor.replication_logs(), visitor.get("operation-logs").json()["count"]) == ([], before)


def test_what_finds_no_room_may_be_accepted_and_fail(open_cloud):
    visitor = open_cloud(profile="huawei", switches={"destination_full": "fail_backups"})
    sizes_mb = sum(b["backup_size"] for b in visitor.get("vaults").json()["vaults"][0]["resources"])
    # Room for all but about one backup.
    size_gb = sizes_mb // 1024 - 30
    visitor.control("POST", f"vaults/{visitor.vault_id('replica-longterm')}", {"size_gb": size_gb})

    answer = visitor.replicate(target="replica-longterm")
    visitor.advance(12 * 3600)

    logs = visitor.replication_logs()
    assert (answer.status_code, len(answer.json()["replication"]["backups"])) == (200, 14)
    assert [log["error_info"]["code"] for log in logs if log["status"] == "failed"] == ["BackupService.6129"]
    assert [log["status"] for log in logs].count("success") == 13


def test_an_empty_vault_may_answer_an_empty_list(open_cloud):
    visitor = open_cloud(project="eu-de_internal", switches={"none_eligible": "empty"})

    assert visitor.replicate("vault-intranet").json()["replication"]["backups"] == []


def test_the_way_back_is_open_unless_switched_off(open_cloud):
    vault = {
        "name": "replica-edge",
        "resources": [],
        "billing": {
            "consistent_level": "crash_consistent",
            "object_type": "server",
            "protect_type": "replication",
            "size": 900,
        },
    }

    def go_back(visitor):
        visitor.post("vaults", {"vault": vault})
        visitor.world = visitor.control("GET", "world").json()
        visitor.move_to("eu-nl_recovery")
        return visitor.replicate("vault-edge-cache", "replica-edge").status_code

    opened = go_back(open_cloud(project="eu-de_internal"))
    closed = go_back(open_cloud(project="eu-de_internal", switches={"reverse_replication": "off"}))

    assert (opened, closed) == (200, 500)


def test_capabilities_follow_the_switch(open_cloud):
    both, one = open_cloud(), open_cloud(switches={"reverse_replication": "off"})

    def regions(visitor):
        return visitor.get("replication-capabilities").json()["regions"]

    there = {"name": "eu-de", "replication_destinations": ["eu-nl"]}
    back = {"name": "eu-nl", "replication_destinations": ["eu-de"]}
    assert (regions(both), regions(one)) == ([there, back], [there])


@pytest.mark.parametrize(("switch", "equal"), [("same", True), ("different", False)])
def test_the_request_id_of_the_logs_is_that_of_the_answer_if_switched_so(open_cloud, switch, equal):
    visitor = open_cloud(switches={"request_id": switch})

    answer = visitor.replicate()

    request_id = visitor.replication_logs()[0]["extra_info"]["common"]["request_id"]
    assert request_id.startswith("req-")
    assert (answer.headers["X-Request-Id"] == request_id) is equal


@pytest.mark.parametrize(
    ("name", "path", "query"),
    [
        ("operation_type_filter", "operation-logs", {"operation_type": "replication"}),
        ("protect_type_filter", "vaults", {"protect_type": "replication"}),
        ("image_type_filter", "backups", {"image_type": "replication"}),
    ],
)
def test_a_filter_value_that_only_the_sibling_documents_follows_its_switch(open_cloud, name, path, query):
    def ask(handling):
        answer = open_cloud(project="eu-nl_recovery", switches={name: handling}).get(path, **query)
        return answer.json()["count"] if answer.ok else answer.json()["error_code"]

    unfiltered = open_cloud(project="eu-nl_recovery").get(path).json()["count"]
    assert ask("refuse") == "BackupService.9900"
    assert ask("ignore") == unfiltered
    assert ask("honour") < unfiltered


def test_profile_huawei_honours_those_filters_whatever_the_switches_say(open_cloud):
    switches = {
        "operation_type_filter": "refuse",
        "protect_type_filter": "refuse",
        "image_type_filter": "refuse",
    }
    visitor = open_cloud(profile="huawei", project="eu-nl_recovery", switches=switches)

    assert visitor.get("vaults", protect_type="replication").json()["count"] == 2
    assert visitor.get("backups", image_type="replication").json()["count"] == 6
    assert visitor.get("operation-logs", operation_type="replication").json()["count"] == 0


def test_show_replication_may_be_refused(open_cloud):
    strict, lenient = open_cloud(switches={"show_replication": "refuse"}), open_cloud()

    assert code_of(strict.get("backups", show_replication="true")) == (400, "BackupService.9900")
    assert lenient.get("backups", show_replication="true").status_code == 200


@pytest.mark.parametrize(("switch", "shown"), [("absent", 0), ("present", 1)])
def test_a_replica_names_its_source_if_switched_so(open_cloud, switch, shown):
    visitor = open_cloud(profile="huawei", project="eu-nl_recovery", switches={"replica_records": switch})

    replica = visitor.backups("replica-production", show_replication="true")[0]

    found = [record["destination_backup_id"] for record in replica["replication_records"]]
    assert found == [replica["id"]] * shown


def test_vaults_of_another_region_are_listed_if_switched_so(open_cloud):
    with_it, without_it = open_cloud(switches={"external_vaults": "present"}), open_cloud()
    query = {"external_project_id": with_it.world["projects"]["eu-nl_recovery"]["id"], "region_id": "eu-nl"}

    found = with_it.get("vaults/external", protect_type="replication", **query).json()["vaults"]

    turbo = with_it.get("vaults/external", objcet_type="turbo", **query).json()["vaults"]
    single = with_it.get("vaults/external", vault_id=found[0]["id"], **query).json()["vaults"]

    assert {vault["name"] for vault in found} == {"replica-production", "replica-media"}
    assert [vault["name"] for vault in turbo] == ["replica-media"]
    assert single == found[:1]
    assert code_of(with_it.get("vaults/external", region_id="eu-de")) == (400, "BackupService.9900")
    assert without_it.get("vaults/external", **query).status_code == 404


def test_a_single_backup_goes_under_the_name_it_is_given(visitor, visit):
    backup = visitor.backups("vault-orders-db")[0]
    order = visitor.backup_order(name="pg-orders-01_dr", description="For the exercise")

    answer = visitor.post(f"backups/{backup['id']}/replicate", order).json()["replication"]
    visitor.advance(12 * 3600)
    replica = visit("eu-nl_recovery").get("backups", name="pg-orders-01_dr").json()["backups"]

    assert answer["backup_id"] == backup["id"]
    assert [(r["description"], r["resource_id"]) for r in replica] == [
        ("For the exercise", backup["resource_id"])
    ]


def test_a_copy_that_has_begun_ends_even_if_its_source_is_deleted(visitor, visit):
    accepted = visitor.replicate("vault-payments", "replica-longterm").json()["replication"]["backups"]

    visitor.control("DELETE", f"vaults/{visitor.vault_id('vault-payments')}")
    visitor.advance(12 * 3600)

    archive = visit("eu-nl_archive")
    assert code_of(visitor.get(f"vaults/{visitor.vault_id('vault-payments')}")) == (404, "BackupService.6105")
    assert len(archive.backups("replica-longterm")) == len(accepted)
    assert {log["vault_name"] for log in visitor.replication_logs("vault-payments")} == {""}
