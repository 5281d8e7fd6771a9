"""The controls for tests: what they tell, what they change, and to whom they listen."""

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from replication.sandbox.control import Control
from replication.sandbox.simulation import Options, Simulation


@pytest.fixture
def control():
    simulation = Simulation(Options())
    yield Control(simulation)
    simulation.close()


def ask_from(control, peer):
    environ = EnvironBuilder(path="/_sandbox/world", environ_overrides={"REMOTE_ADDR": peer}).get_environ()
    return control.answer(Request(environ), b"").status


@pytest.mark.parametrize(
    ("peer", "status"), [("127.0.0.1", 200), ("127.8.8.8", 200), ("::1", 200), ("192.0.2.7", 403)]
)
def test_the_controls_answer_on_loopback_only(control, peer, status):
    assert ask_from(control, peer) == status


def test_the_controls_are_listed_each_with_a_sentence(visitor):
    controls = visitor.control("GET", "").json()["controls"]

    assert [(control["method"], control["path"]) for control in controls][-4:] == [
        ("DELETE", "/_sandbox/backups/<id>"),
        ("POST", "/_sandbox/vaults"),
        ("POST", "/_sandbox/vaults/<id>"),
        ("DELETE", "/_sandbox/vaults/<id>"),
    ]
    assert [control["path"] for control in controls if not control["sentence"]] == []


def test_the_world_is_summed_up(visitor):
    world = visitor.control("GET", "world").json()

    assert world["projects"].keys() == {
        "eu-de_production",
        "eu-de_internal",
        "eu-nl_recovery",
        "eu-nl_archive",
    }
    assert world["projects"]["eu-nl_archive"]["region"] == "eu-nl"
    assert world["vaults"]["vault-mail"]["project_id"] == world["projects"]["eu-de_internal"]["id"]
    assert {name: world[name] for name in ("profile", "seed", "scale", "speed")} == {
        "profile": "otc",
        "seed": 1,
        "scale": 1,
        "speed": 1.0,
    }


def test_an_accepted_call_is_kept_in_full(visitor):
    order = visitor.order(auto_trigger=True)
    answer = visitor.post("checkpoints/replicate", order)

    (accepted,) = visitor.accepted()

    at = accepted.pop("at")
    assert at.endswith("+00:00")
    assert accepted == {
        "order": 1,
        "operation": "checkpoints.replicate",
        "user": "replication",
        "project_id": visitor.project_id,
        "region": "eu-de",
        "request_id": answer.headers["X-Request-Id"],
        "vault_id": order["replicate"]["vault_id"],
        "backup_ids": [item["backup_id"] for item in answer.json()["replication"]["backups"]],
        "body": order,
        "answer": answer.json(),
        "record_ids": [item["replication_record_id"] for item in answer.json()["replication"]["backups"]],
    }


def test_accepted_call_for_one_backup_tells_vault_and_backup_that_its_body_does_not(visitor):
    backup_id = visitor.backups("vault-orders-db")[0]["id"]
    order = visitor.backup_order(name="exercise")
    answer = visitor.post(f"backups/{backup_id}/replicate", order)

    (accepted,) = visitor.accepted()

    del accepted["at"]
    assert accepted == {
        "order": 1,
        "operation": "backups.replicate",
        "user": "replication",
        "project_id": visitor.project_id,
        "region": "eu-de",
        "request_id": answer.headers["X-Request-Id"],
        "vault_id": visitor.vault_id("vault-orders-db"),
        "backup_ids": [backup_id],
        "body": order,
        "answer": answer.json(),
        "record_ids": [answer.json()["replication"]["replication_record_id"]],
    }


def test_accepted_calls_stand_in_their_order(visitor):
    backup_id = visitor.backups("vault-orders-db")[0]["id"]
    visitor.replicate("vault-payments")
    visitor.post(f"backups/{backup_id}/replicate", visitor.backup_order())

    assert [(call["order"], call["operation"]) for call in visitor.accepted()] == [
        (1, "checkpoints.replicate"),
        (2, "backups.replicate"),
    ]


def test_a_new_backup_is_the_newest_of_its_vault(visitor):
    wishes = {"vault_id": visitor.vault_id("vault-erp"), "name": "manualbk_today", "stored_mb": 2048}

    added = visitor.control("POST", "backups", wishes).json()["backup_id"]

    newest = visitor.backups("vault-erp")[0]
    assert (newest["id"], newest["name"], newest["status"]) == (added, "manualbk_today", "available")


def test_a_deleted_backup_is_gone(visitor):
    backup = visitor.backups("vault-erp")[0]["id"]

    visitor.control("DELETE", f"backups/{backup}")

    assert visitor.get(f"backups/{backup}").status_code == 404
    assert len(visitor.backups("vault-erp")) == 9


def test_a_deleted_replica_is_gone_from_its_vault(visitor):
    visitor.move_to("eu-nl_recovery")
    replica, *others = [backup["id"] for backup in visitor.backups("replica-production")]

    visitor.control("DELETE", f"backups/{replica}")

    assert [backup["id"] for backup in visitor.backups("replica-production")] == others
    assert visitor.get(f"backups/{replica}").status_code == 404


def test_a_deleted_vault_is_gone_with_its_backups(visitor):
    backup = visitor.backups("vault-erp")[0]["id"]

    visitor.control("DELETE", f"vaults/{visitor.vault_id('vault-erp')}")

    assert visitor.get(f"vaults/{visitor.vault_id('vault-erp')}").status_code == 404
    assert visitor.get(f"backups/{backup}").status_code == 404
    assert visitor.get("vaults").json()["count"] == 6


def test_a_deleted_destination_takes_its_replicas_along(visitor):
    visitor.replicate(target="replica-longterm")
    visitor.advance(12 * 3600)

    visitor.control("DELETE", f"vaults/{visitor.vault_id('replica-longterm')}")

    visitor.move_to("eu-nl_archive")
    kept = visitor.get("backups").json()["backups"]
    assert {backup["vault_id"] for backup in kept} == {
        visitor.vault_id("vault-scans"),
        visitor.vault_id("replica-archive"),
    }


def test_a_vault_can_be_changed(visitor):
    wishes = {"name": "vault-erp-old", "size_gb": 77, "locked": True, "status": "frozen"}

    visitor.control("POST", f"vaults/{visitor.vault_id('vault-erp')}", wishes)

    vault = visitor.get(f"vaults/{visitor.vault_id('vault-erp')}").json()["vault"]
    billing = vault["billing"]
    assert (vault["name"], billing["size"], vault["locked"], billing["status"]) == (
        "vault-erp-old",
        77,
        True,
        "frozen",
    )


def test_starting_over_forgets_everything_but_the_seed(visitor):
    before = visitor.control("GET", "world").json()
    visitor.replicate()
    visitor.advance(3600)
    visitor.spoil("vaults.list", "bad_json")

    after = visitor.control("POST", "reset").json()

    assert (after["projects"], after["vaults"]) == (before["projects"], before["vaults"])
    assert visitor.accepted() == visitor.replication_logs() == []
    assert visitor.control("GET", "faults").json()["faults"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "nothing", None, 404),
        ("PUT", "world", None, 405),
        ("POST", "clock", {}, 400),
        ("POST", "clock", {"advance_seconds": "1"}, 400),
        ("POST", "clock", {"advance_seconds": True}, 400),
        ("POST", "clock", {"advance_seconds": 1e300}, 400),
        ("POST", "clock", [], 400),
        ("POST", "backups", {}, 400),
        ("POST", "backups", {"vault_id": "7558e1a3-7046-4787-95cd-14b0ad0642a8"}, 400),
        ("POST", "backups", {"vault_id": "x"}, 400),
        ("POST", "vaults/unknown", {"status": "frozen"}, 400),
        ("POST", "vaults/unknown", {"colour": "red"}, 400),
        ("DELETE", "backups/unknown", None, 400),
        ("DELETE", "vaults/unknown", None, 400),
    ],
)
def test_a_control_that_does_not_fit_is_declined(visitor, method, path, body, status):
    assert visitor.control(method, path, body).status_code == status


def test_a_control_that_is_no_json_is_declined(visitor):
    answer = visitor.session.post(f"{visitor.url}/_sandbox/faults", data=b"{", timeout=10)

    assert answer.status_code == 400


def test_the_clock_can_be_set_back_again(visitor):
    visitor.replicate()
    visitor.advance(12 * 3600)
    ended = {log["status"] for log in visitor.replication_logs()}
    visitor.advance(-12 * 3600)

    assert ended == {"success"}
    assert {log["status"] for log in visitor.replication_logs()} == {"waiting"}


def test_the_clock_stays_within_reach_of_the_real_one(visitor):
    for _ in range(50):
        answer = visitor.control("POST", "clock", {"advance_seconds": 10_000_000})

    assert answer.status_code == 200
    assert visitor.get("vaults").status_code == 401


def test_requests_are_counted_whatever_became_of_them(visitor):
    visitor.get("vaults")
    visitor.spoil("vaults.list", "answer", status=500)
    visitor.get("vaults")

    received = visitor.control("GET", "calls").json()["received"]

    assert received == {"auth.tokens": 1, "vaults.list": 2}
