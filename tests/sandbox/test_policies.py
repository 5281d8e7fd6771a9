"""Policies of the simulated cloud: made, applied, removed and deleted, within its limits and not beyond them."""

import contextlib
import uuid

import pytest

from replication.sandbox import Sandbox
from tests.sandbox.visitor import Visitor, code_of

NIGHTLY = "FREQ=DAILY;INTERVAL=1;BYHOUR=03;BYMINUTE=00"


def wishes(visitor, *, definition=None, pattern=(NIGHTLY,), **changes):
    """Write a request for a replication policy."""
    policy = {
        "name": "replicate-orders",
        "operation_type": "replication",
        "operation_definition": {
            "destination_region": "eu-nl",
            "destination_project_id": visitor.world["projects"]["eu-nl_recovery"]["id"],
            "retention_duration_days": 30,
        }
        if definition is None
        else definition,
        "trigger": {"properties": {"pattern": list(pattern)}},
    }
    return {"policy": policy | changes}


def create(visitor, **changes):
    return visitor.post("policies", wishes(visitor, **changes))


def apply(visitor, policy_id, vault="vault-orders-db", target="replica-production", **changes):
    body = {"policy_id": policy_id, "destination_vault_id": visitor.vault_id(target)} | changes
    return visitor.post(f"vaults/{visitor.vault_id(vault)}/associatepolicy", body)


def remove(visitor, policy_id, vault="vault-orders-db"):
    return visitor.post(f"vaults/{visitor.vault_id(vault)}/dissociatepolicy", {"policy_id": policy_id})


def delete(visitor, policy_id):
    return visitor.session.delete(f"{visitor.url}/v3/{visitor.project_id}/policies/{policy_id}", timeout=10)


def seeded(visitor, name="replicate-erp-weekly"):
    return next(one["id"] for one in visitor.get("policies").json()["policies"] if one["name"] == name)


@pytest.fixture(params=["otc", "huawei"])
def cloud(request, open_cloud):
    return open_cloud(profile=request.param)


def test_a_policy_is_made_shown_applied_removed_and_deleted(cloud):
    made = create(cloud).json()["policy"]
    shown = cloud.get(f"policies/{made['id']}").json()["policy"]
    applied = apply(cloud, made["id"])
    pairs = cloud.get(f"policies/{made['id']}").json()["policy"]["associated_vaults"]
    removed = remove(cloud, made["id"])
    after = cloud.get(f"policies/{made['id']}").json()["policy"]["associated_vaults"]
    deleted = delete(cloud, made["id"])
    again = delete(cloud, made["id"])

    vault, target = cloud.vault_id("vault-orders-db"), cloud.vault_id("replica-production")
    assert shown == made
    assert (made["name"], made["enabled"], made["operation_type"], made["associated_vaults"]) == (
        "replicate-orders",
        True,
        "replication",
        [],
    )
    assert made["operation_definition"] == wishes(cloud)["policy"]["operation_definition"]
    assert made["trigger"]["properties"]["pattern"] == [NIGHTLY]
    assert applied.status_code == removed.status_code == 200
    assert applied.json()["associate_policy"].items() >= {"vault_id": vault, "policy_id": made["id"]}.items()
    assert (pairs, after) == ([{"vault_id": vault, "destination_vault_id": target}], [])
    assert removed.json() == {"dissociate_policy": {"vault_id": vault, "policy_id": made["id"]}}
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert code_of(again) == (404, "BackupService.6000")


def test_the_truth_for_tests_lists_what_was_accepted_in_its_order(cloud):
    policy_id = create(cloud).json()["policy"]["id"]
    apply(cloud, policy_id)
    apply(cloud, policy_id)

    truth = cloud.control("GET", "policies").json()

    assert [(one["order"], one["operation"], one["user"]) for one in truth["accepted"]] == [
        (1, "policies.create", "replication"),
        (2, "vaults.associatepolicy", "replication"),
    ]
    [made] = [one for one in truth["policies"] if one["id"] == policy_id]
    assert made["vaults"] == [[cloud.vault_id("vault-orders-db"), cloud.vault_id("replica-production")]]


def test_changes_outlive_a_restart(tmp_path):
    def truth_after(act):
        with Sandbox(state=tmp_path / "state") as sandbox, contextlib.closing(Visitor(sandbox)) as visitor:
            act(visitor)
            return visitor.control("GET", "policies").json()

    def change(visitor):
        policy_id = create(visitor).json()["policy"]["id"]
        apply(visitor, policy_id)
        remove(visitor, seeded(visitor), "vault-erp")
        delete(visitor, seeded(visitor))

    before = truth_after(change)
    after = truth_after(Visitor.accepted)

    assert after == before
    assert len(after["accepted"]) == 4


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": "with blank"}, "9900"),
        ({"name": ""}, "9900"),
        ({"name": "x" * 65}, "9900"),
        ({"surprise": 1}, "9900"),
        ({"enabled": "yes"}, "9900"),
        ({"operation_type": "copy"}, "6117"),
        ({"pattern": []}, "9900"),
        ({"pattern": [NIGHTLY] * 25}, "9900"),
        ({"pattern": ["FREQ=MONTHLY;BYHOUR=03;BYMINUTE=00"]}, "9900"),
        ({"pattern": ["FREQ=DAILY;BYHOUR=24;BYMINUTE=00"]}, "9900"),
        ({"pattern": ["FREQ=DAILY;BYMINUTE=00"]}, "9900"),
        ({"pattern": ["FREQ=WEEKLY;BYHOUR=03;BYMINUTE=00"]}, "9900"),
        ({"pattern": ["FREQ=DAILY;BYHOUR=03;BYMINUTE=00,30"]}, "9900"),
        ({"pattern": [NIGHTLY, "FREQ=WEEKLY;BYDAY=MO;BYHOUR=03;BYMINUTE=40"]}, "9900"),
    ],
)
def test_a_policy_beyond_the_reference_is_refused(visitor, changes, code):
    assert code_of(create(visitor, **changes)) == (400, f"BackupService.{code}")
    assert visitor.control("GET", "policies").json()["accepted"] == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"destination_region": "eu-de"}, (400, "9900")),
        ({"destination_region": "eu-ch2"}, (500, "1005")),
        ({"destination_region": None}, (400, "9900")),
        ({"destination_project_id": "f" * 32}, (400, "1011")),
        ({"retention_duration_days": 0}, (400, "9900")),
        ({"retention_duration_days": 100_000}, (400, "9900")),
        ({"retention_duration_days": True}, (400, "9900")),
        ({"max_backups": 5}, (400, "9900")),
        ({"day_backups": 5, "timezone": "UTC+01:00"}, (400, "9900")),
        ({"retention_duration_days": None, "day_backups": 5}, (400, "9900")),
        ({"retention_duration_days": None, "day_backups": 101, "timezone": "UTC+01:00"}, (400, "9900")),
        ({"enable_acceleration": True}, (400, "9900")),
        ({"retention_duration_days": -1}, (200, "")),
        ({"retention_duration_days": None, "max_backups": 99_999}, (200, "")),
        ({"retention_duration_days": None, "day_backups": 7, "timezone": "UTC+01:00"}, (200, "")),
    ],
)
def test_the_definition_follows_the_reference(visitor, changes, expected):
    definition = wishes(visitor)["policy"]["operation_definition"] | changes
    definition = {name: value for name, value in definition.items() if value is not None}

    answer = create(visitor, definition=definition)

    code = answer.json().get("error_code", "").removeprefix("BackupService.")
    assert (answer.status_code, code) == expected


def test_a_project_has_at_most_32_replication_policies(visitor):
    answers = [create(visitor, name=f"policy-{number}") for number in range(32)]

    # The seed has one already; backup policies are counted apart.
    assert [answer.status_code for answer in answers] == [200] * 31 + [400]
    assert code_of(answers[-1]) == (400, "BackupService.6001")
    backup = wishes(visitor, operation_type="backup", definition={"max_backups": 7})
    assert visitor.post("policies", backup).status_code == 200


@pytest.mark.parametrize(
    ("vault", "target", "expected"),
    [
        ("vault-erp", "replica-production", (400, "BackupService.6127")),
        ("replica-production", "replica-production", (404, "BackupService.6105")),
        ("vault-media-share", "replica-production", (400, "BackupService.6127")),
        ("vault-orders-db", "vault-edge-cache", (400, "BackupService.6119")),
        ("vault-orders-db", "replica-media", (400, "BackupService.6119")),
        ("vault-orders-db", "replica-archive", (400, "BackupService.6120")),
    ],
)
def test_a_policy_fits_only_vaults_that_can_be_replicated(visitor, vault, target, expected):
    policy_id = create(visitor).json()["policy"]["id"]

    assert code_of(apply(visitor, policy_id, vault, target)) == expected


def test_applying_says_what_is_missing_or_unknown(visitor):
    policy_id = seeded(visitor)
    vault = visitor.vault_id("vault-orders-db")

    def refused(body, at=vault):
        return code_of(visitor.post(f"vaults/{at}/associatepolicy", body))

    target = {"destination_vault_id": visitor.vault_id("replica-production")}
    assert refused({"policy_id": policy_id}) == (400, "BackupService.9900")
    assert refused(target) == (400, "BackupService.9900")
    assert refused({"policy_id": policy_id, "add_policy_ids": [policy_id]} | target) == (
        400,
        "BackupService.9900",
    )
    assert refused({"policy_id": str(uuid.uuid4())} | target) == (404, "BackupService.6000")
    assert refused({"policy_id": policy_id} | target, at=uuid.uuid4()) == (404, "BackupService.6105")
    assert visitor.post(f"vaults/{vault}/associatepolicy").status_code == 400
    visitor.control("POST", f"vaults/{vault}", {"status": "frozen"})
    assert refused({"policy_id": policy_id} | target) == (400, "BackupService.6112")


def test_the_sibling_cloud_takes_a_list_of_one_policy(open_cloud):
    huawei = open_cloud(profile="huawei")
    body = {
        "add_policy_ids": [seeded(huawei)],
        "destination_vault_id": huawei.vault_id("replica-production"),
    }

    answer = huawei.post(f"vaults/{huawei.vault_id('vault-orders-db')}/associatepolicy", body)

    assert answer.json()["associate_policy"] == {
        "vault_id": huawei.vault_id("vault-orders-db"),
        "policy_id": body["add_policy_ids"][0],
        "destination_vault_id": body["destination_vault_id"],
    }


def test_removing_what_is_not_applied_is_refused(visitor):
    assert code_of(remove(visitor, seeded(visitor))) == (404, "BackupService.6002")
    assert code_of(remove(visitor, str(uuid.uuid4()))) == (404, "BackupService.6000")


def test_a_policy_of_another_project_is_not_found(visitor, visit):
    policy_id = seeded(visitor)
    other = visit("eu-de_internal")

    assert code_of(delete(other, policy_id)) == (404, "BackupService.6000")
    assert visitor.get(f"policies/{policy_id}").status_code == 200


def test_a_reader_changes_nothing(open_cloud):
    reader = open_cloud(user="reader")
    policy_id = seeded(reader)

    answers = [create(reader), delete(reader, policy_id), apply(reader, policy_id), remove(reader, policy_id)]

    assert [answer.status_code for answer in answers] == [403] * 4
    assert reader.control("GET", "policies").json()["accepted"] == []


def test_a_vault_that_is_deleted_is_lost_to_its_policies(visitor):
    policy_id = seeded(visitor)
    visitor.control("DELETE", f"vaults/{visitor.vault_id('vault-erp')}")

    assert visitor.get(f"policies/{policy_id}").json()["policy"]["associated_vaults"] == []


def test_the_seed_has_policies_of_both_kinds_and_vaults_without_any(visitor, visit):
    def listed(project):
        found = visit(project).get("policies").json()["policies"]
        return {
            one["name"]: (one["operation_type"], one["enabled"], len(one["associated_vaults"]))
            for one in found
        }

    assert listed("eu-de_production") == {
        "backup-nightly": ("backup", True, 4),
        "replicate-erp-weekly": ("replication", True, 1),
    }
    assert listed("eu-de_internal") == {
        "backup-internal": ("backup", True, 2),
        "replicate-mail-twice-a-day": ("replication", True, 1),
        "replicate-every-other-day": ("replication", False, 0),
    }
