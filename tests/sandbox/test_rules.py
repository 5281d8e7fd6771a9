"""Every rule that stands between a request and a replication, with its code and status."""

import pytest

from replication.sandbox.parameters import parse_json
from tests.sandbox.visitor import code_of

NOWHERE = "7558e1a3-7046-4787-95cd-14b0ad0642a8"


def project_id(visitor, name):
    return visitor.world["projects"][name]["id"]


def test_the_destination_region_must_differ(visitor):
    answer = visitor.replicate(
        destination_region="eu-de", destination_project_id=project_id(visitor, "eu-de_internal")
    )

    assert code_of(answer) == (400, "BackupService.9900")


@pytest.mark.parametrize(("profile", "status"), [("otc", 500), ("huawei", 400)])
def test_an_unreachable_region_is_refused_with_the_status_of_the_profile(open_cloud, profile, status):
    visitor = open_cloud(profile=profile)

    assert code_of(visitor.replicate(destination_region="eu-ch2")) == (status, "BackupService.1005")


@pytest.mark.parametrize("name", ["eu-de_internal", "nowhere"])
def test_the_destination_project_must_lie_in_the_destination_region(visitor, name):
    target = visitor.world["projects"].get(name, {"id": "0" * 32})["id"]

    assert code_of(visitor.replicate(destination_project_id=target)) == (400, "BackupService.1011")


def test_the_source_vault_must_exist(visitor):
    assert code_of(visitor.replicate(vault_id=NOWHERE)) == (404, "BackupService.6105")


def test_the_source_vault_must_lie_in_the_project_of_the_token(visitor):
    assert code_of(visitor.replicate("vault-mail")) == (404, "BackupService.6105")


@pytest.mark.parametrize("vault", ["vault-gitlab", "vault-identity"])
def test_the_source_vault_must_be_available(visit, vault):
    assert code_of(visit("eu-de_internal").replicate(vault)) == (400, "BackupService.6112")


def test_a_vault_whose_backups_are_locked_is_replicated_like_any_other(visitor):
    assert visitor.replicate("vault-payments").status_code == 200


def test_a_disk_vault_cannot_be_replicated(visit):
    assert code_of(visit("eu-de_internal").replicate("vault-build-disks")) == (400, "BackupService.6128")


def test_a_replication_vault_cannot_be_replicated_again(visit):
    visitor = visit("eu-nl_recovery")
    target = {"destination_region": "eu-de", "destination_project_id": project_id(visitor, "eu-de_internal")}

    assert code_of(visitor.replicate("replica-production", **target)) == (400, "BackupService.6128")


def test_a_turbo_vault_is_replicated_under_the_profile_that_documents_it_only(open_cloud):
    otc, huawei = open_cloud(profile="otc"), open_cloud(profile="huawei")

    assert code_of(otc.replicate("vault-media-share", "replica-media")) == (400, "BackupService.6128")
    assert huawei.replicate("vault-media-share", "replica-media").status_code == 200


@pytest.mark.parametrize("project", ["eu-nl_recovery", "eu-nl_archive"])
def test_the_destination_vault_must_exist_in_the_destination_project(visitor, project):
    wrong = visitor.vault_id("replica-longterm") if project == "eu-nl_recovery" else NOWHERE
    answer = visitor.replicate(
        destination_vault_id=wrong, destination_project_id=project_id(visitor, project)
    )

    assert code_of(answer) == (400, "BackupService.6120")


def test_the_destination_vault_must_be_one_for_replication(visitor):
    assert code_of(visitor.replicate(target="vault-edge-cache")) == (400, "BackupService.6119")


def test_the_destination_vault_must_be_of_the_sources_type(visitor):
    assert code_of(visitor.replicate(target="replica-media")) == (400, "BackupService.6119")


@pytest.mark.parametrize("status", ["lock", "frozen", "deleting", "error"])
def test_the_destination_vault_must_be_available(visitor, status):
    visitor.control("POST", f"vaults/{visitor.vault_id('replica-production')}", {"status": status})

    assert code_of(visitor.replicate()) == (400, "BackupService.6118")


def test_the_destination_vault_must_have_room(visitor):
    assert code_of(visitor.replicate(target="replica-archive")) == (400, "BackupService.6129")


def test_a_destination_vault_that_expands_by_itself_always_has_room(visitor):
    visitor.control("POST", f"vaults/{visitor.vault_id('replica-archive')}", {"auto_expand": True})

    assert visitor.replicate(target="replica-archive").status_code == 200


def test_what_is_on_its_way_counts_as_used(visitor):
    visitor.control("POST", f"vaults/{visitor.vault_id('replica-longterm')}", {"size_gb": 1400})

    first = visitor.replicate("vault-orders-db", "replica-longterm")
    second = visitor.replicate("vault-payments", "replica-longterm")

    assert first.status_code == 200
    assert code_of(second) == (400, "BackupService.6129")


def test_what_will_fail_takes_room_until_it_has_failed(visitor):
    backup, other = (backup["id"] for backup in visitor.backups("vault-orders-db")[:2])
    target = visitor.vault_id("replica-longterm")
    visitor.control("POST", f"vaults/{target}", {"size_gb": 100})
    (made,) = visitor.control(
        "POST", "vaults", {"project": "eu-de_production", "number": 1, "stored_mb": 60 * 1024}
    ).json()["vaults"]
    visitor.spoil("checkpoints.replicate", "fail_backup")
    visitor.replicate(target="replica-longterm", vault_id=made["id"])

    meanwhile = replicate_backup(visitor, backup, target="replica-longterm")
    visitor.advance(12 * 3600)
    afterwards = replicate_backup(visitor, other, target="replica-longterm")

    assert code_of(meanwhile) == (400, "BackupService.6129")
    assert afterwards.status_code == 200


def test_a_deleted_replica_makes_room(visitor, visit):
    first, second = (backup["id"] for backup in visitor.backups("vault-orders-db")[:2])
    target = visitor.vault_id("replica-longterm")
    visitor.control("POST", f"vaults/{target}", {"size_gb": 100})
    replicate_backup(visitor, first, target="replica-longterm")
    visitor.advance(12 * 3600)
    (replica,) = visit("eu-nl_archive").backups("replica-longterm")

    before = replicate_backup(visitor, second, target="replica-longterm")
    visitor.control("DELETE", f"backups/{replica['id']}")
    afterwards = replicate_backup(visitor, second, target="replica-longterm")

    assert code_of(before) == (400, "BackupService.6129")
    assert afterwards.status_code == 200


def test_a_vault_that_is_being_replicated_is_refused_until_all_has_ended(visitor):
    visitor.replicate()

    meanwhile = visitor.replicate(target="replica-longterm")
    visitor.advance(6 * 3600)
    afterwards = visitor.replicate(target="replica-longterm")

    assert code_of(meanwhile) == (400, "BackupService.6130")
    assert afterwards.status_code == 200


def test_an_empty_vault_has_nothing_to_replicate(visit):
    assert code_of(visit("eu-de_internal").replicate("vault-intranet")) == (400, "BackupService.0001")


def test_only_available_backups_with_a_system_disk_are_taken(visitor):
    backups = visitor.backups("vault-web-shop")
    fit = {b["id"] for b in backups if b["status"] == "available" and b["extend_info"]["contain_system_disk"]}

    taken = {
        item["backup_id"] for item in visitor.replicate("vault-web-shop").json()["replication"]["backups"]
    }

    assert taken == fit
    assert len(backups) - len(fit) == 5


def backup_with(visitor, vault, **wanted):
    for backup in visitor.backups(vault):
        facts = backup | backup["extend_info"]
        if all(facts[name] == value for name, value in wanted.items()):
            return backup["id"]
    raise LookupError(wanted)


def replicate_backup(visitor, backup_id, **changes):
    return visitor.post(f"backups/{backup_id}/replicate", visitor.backup_order(**changes))


def test_a_backup_must_exist(visitor):
    assert code_of(replicate_backup(visitor, NOWHERE)) == (404, "BackupService.6200")


@pytest.mark.parametrize(
    "wanted", [{"status": "error"}, {"status": "protecting"}, {"contain_system_disk": False}]
)
def test_a_backup_must_be_available_and_hold_the_system_disk(visitor, wanted):
    backup_id = backup_with(visitor, "vault-web-shop", **wanted)

    assert code_of(replicate_backup(visitor, backup_id)) == (400, "BackupService.0001")


def test_a_replica_cannot_be_replicated(visit):
    visitor = visit("eu-nl_recovery")
    replica = visitor.backups("replica-production")[0]["id"]
    target = {"destination_region": "eu-de", "destination_project_id": project_id(visitor, "eu-de_internal")}

    assert code_of(replicate_backup(visitor, replica, **target)) == (400, "BackupService.1002")


@pytest.mark.parametrize(("profile", "code"), [("otc", "6122"), ("huawei", "1003")])
def test_the_part_of_a_backup_that_covers_one_disk_cannot_be_replicated(open_cloud, profile, code):
    visitor = open_cloud(profile=profile)
    child = visitor.backups("vault-orders-db")[0]["children"][0]["id"]

    assert code_of(replicate_backup(visitor, child)) == (400, f"BackupService.{code}")


def test_a_backup_that_is_or_was_replicated_is_refused(visitor):
    fresh = visitor.backups("vault-orders-db")[0]["id"]
    replicate_backup(visitor, fresh)
    old = min(visitor.backups("vault-erp"), key=lambda backup: backup["created_at"])["id"]

    answers = [replicate_backup(visitor, backup_id) for backup_id in (fresh, old)]

    assert [code_of(answer) for answer in answers] == [(400, "BackupService.1009")] * 2


def test_a_backup_may_be_replicated_again_once_its_replica_is_deleted(visitor, visit):
    backup_id = visitor.backups("vault-orders-db")[0]["id"]
    recovery = visit("eu-nl_recovery")
    replicate_backup(visitor, backup_id, name="once")
    visitor.advance(6 * 3600)
    replica = recovery.get("backups", name="once").json()["backups"][0]["id"]

    before = replicate_backup(visitor, backup_id)
    visitor.control("DELETE", f"backups/{replica}")
    after = replicate_backup(visitor, backup_id)

    assert (code_of(before), after.status_code) == ((400, "BackupService.1009"), 200)


def test_the_number_of_replicas_has_a_limit(open_cloud):
    visitor = open_cloud(switches={"replica_limit": "0"})

    assert code_of(visitor.replicate()) == (400, "BackupService.1012")


@pytest.mark.parametrize(
    "changes",
    [
        {"vault_id": "no-uuid"},
        {"vault_id": 7},
        {"vault_id": None},
        {"vault_id": "3B5816B5F29C41729D9A76C719A659CE"},
        {"destination_vault_id": ""},
        {"destination_region": "x" * 256},
        {"destination_region": "eu nl"},
        {"destination_region": 3},
        {"destination_project_id": ""},
        {"auto_trigger": "false"},
        {"auto_trigger": 0},
        {"name": "replica"},
        {"backups": []},
        {"enable_acceleration": True},
    ],
)
def test_a_field_that_does_not_fit_is_refused(visitor, changes):
    assert code_of(visitor.replicate(**changes)) == (400, "BackupService.9900")


@pytest.mark.parametrize(
    "missing", ["vault_id", "destination_region", "destination_project_id", "destination_vault_id"]
)
def test_a_needed_field_is_missed(visitor, missing):
    order = visitor.order()
    del order["replicate"][missing]

    answer = visitor.post("checkpoints/replicate", order)

    assert code_of(answer) == (400, "BackupService.9900")
    assert missing in answer.json()["error_msg"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"replicate"',
        b"{}",
        b'{"replicate": []}',
        b'{"checkpoint": {"replicate": {}}}',
        b'{"replicate": {}, "replicate": {}}',
        b'{"replicate": {"vault_id": NaN}}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_no_order_is_refused(visitor, body):
    url = f"{visitor.url}/v3/{visitor.project_id}/checkpoints/replicate"

    answer = visitor.session.post(url, data=body, timeout=10)

    assert code_of(answer) == (400, "BackupService.9900")


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1, "a": 2}',
        rb'{"a": "\ud800"}',
        rb'{"\uDFFF": 1}',
        b"\xff",
        b"",
        b"[" * 100_000,
    ],
)
def test_what_the_json_standard_forbids_is_no_json(body):
    with pytest.raises(ValueError, match=r".*"):
        parse_json(body)


def test_escaped_characters_are_read():
    assert parse_json(rb'{"name": "B\u00fcro \ud83d\ude00"}') == {"name": "Büro \N{GRINNING FACE}"}


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "x" * 65},
        {"name": "two words"},
        {"description": "x" * 256},
        {"auto_trigger": True},
    ],
)
def test_a_name_or_description_that_does_not_fit_is_refused(visitor, changes):
    backup_id = visitor.backups("vault-orders-db")[0]["id"]

    assert code_of(replicate_backup(visitor, backup_id, **changes)) == (400, "BackupService.9900")


def test_profile_huawei_takes_its_own_further_fields(open_cloud):
    visitor = open_cloud(profile="huawei")

    assert visitor.replicate(enable_acceleration=False, cross_account_urn="").status_code == 200


def test_no_refusal_counts_as_accepted(visitor):
    visitor.replicate(destination_region="eu-de")
    visitor.replicate(vault_id=NOWHERE)
    visitor.replicate(target="replica-archive")

    assert visitor.accepted() == []
    assert visitor.replication_logs() == []
