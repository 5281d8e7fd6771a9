"""What the sandbox remembers, and which files it refuses."""

import contextlib
import shutil
import sqlite3

import pytest

from replication.sandbox import Sandbox, StateUnusable
from tests.sandbox.visitor import Visitor, code_of


@pytest.fixture
def state(tmp_path):
    return tmp_path / "var" / "sandbox.sqlite3"


@contextlib.contextmanager
def visiting(**options):
    with Sandbox(**options) as sandbox, contextlib.closing(Visitor(sandbox)) as visitor:
        yield visitor


def test_accepted_calls_records_and_the_clock_survive_a_restart(state):
    with visiting(state=state) as visitor:
        visitor.replicate()
        visitor.advance(1500)
        before = visitor.accepted(), [log["id"] for log in visitor.replication_logs()]
        clock = visitor.control("GET", "world").json()["now"]

    with visiting(state=state) as visitor:
        after = visitor.accepted(), [log["id"] for log in visitor.replication_logs()]
        words = {log["status"] for log in visitor.replication_logs()}
        later = visitor.control("GET", "world").json()["now"]

    assert after == before
    assert clock < later
    assert words == {"running", "waiting", "success"}


def test_a_world_that_was_changed_stays_changed(state):
    vault = {
        "name": "replica-new",
        "resources": [],
        "tags": [{"key": "team", "value": "dr"}],
        "bind_rules": {"tags": [{"key": "tier", "value": "front"}]},
        "billing": {
            "consistent_level": "crash_consistent",
            "object_type": "server",
            "protect_type": "backup",
            "size": 99,
        },
    }

    def look(visitor):
        vaults, backups = visitor.get("vaults").json()["vaults"], visitor.get("backups").json()["backups"]
        policies = visitor.get("policies").json()["policies"]
        return vaults, [backup["id"] for backup in backups], policies

    with visiting(state=state) as visitor:
        policy = visitor.get("policies").json()["policies"][0]["id"]
        visitor.post("vaults", {"vault": vault | {"backup_policy_id": policy}})
        visitor.control("POST", "vaults", {"project": "eu-de_production", "number": 3, "backups_each": 2})
        visitor.control("POST", "backups", {"vault_id": visitor.vault_id("vault-erp")})
        visitor.control("POST", f"vaults/{visitor.vault_id('vault-payments')}", {"status": "lock"})
        visitor.control("DELETE", f"backups/{visitor.backups('vault-orders-db')[0]['id']}")
        visitor.control("DELETE", f"vaults/{visitor.vault_id('vault-web-shop')}")
        before = look(visitor)
    with visiting(state=state) as visitor:
        after = look(visitor)

    assert after == before


def test_an_accepted_call_is_written_before_it_is_answered(state):
    with visiting(state=state) as visitor:
        visitor.spoil("checkpoints.replicate", "close_after_processing")
        with contextlib.suppress(OSError):
            visitor.replicate()
        left_behind = state.parent / "left behind"
        shutil.copytree(state.parent, left_behind, ignore=shutil.ignore_patterns(left_behind.name))

    with visiting(state=left_behind / state.name) as visitor:
        assert len(visitor.accepted()) == 1


def test_a_replication_keeps_the_speed_at_which_it_was_accepted(state):
    with visiting(state=state, speed=1_000_000) as visitor:
        visitor.replicate()
    with visiting(state=state, speed=1) as visitor:
        assert {log["status"] for log in visitor.replication_logs()} == {"success"}


def test_the_seed_and_scale_of_the_file_win_with_a_note(state):
    with visiting(state=state, seed=5, scale=2) as visitor:
        before = visitor.world["vaults"]

    with Sandbox(state=state, seed=6, scale=1) as sandbox, contextlib.closing(Visitor(sandbox)) as visitor:
        after, notes = visitor.world["vaults"], sandbox.notes

    assert after == before
    assert [note.split(";")[0] for note in notes] == [
        "The state file holds a world of seed 5",
        "The state file holds a world of scale 2",
    ]


def test_the_same_seed_again_is_worth_no_note(state):
    with Sandbox(state=state, seed=5):
        pass

    with Sandbox(state=state, seed=5) as sandbox:
        assert sandbox.notes == []


def test_a_world_can_be_looked_at_in_both_profiles(state):
    with visiting(state=state, profile="otc") as visitor:
        visitor.replicate()

    with visiting(state=state, profile="huawei") as visitor:
        backups = visitor.backups("vault-orders-db", show_replication="true")

    assert {len(backup["replication_records"]) for backup in backups} == {1}


def test_starting_over_is_remembered_too(state):
    with visiting(state=state) as visitor:
        visitor.replicate()
        visitor.control("POST", "reset")

    with visiting(state=state) as visitor:
        assert visitor.accepted() == []


def test_a_file_in_use_is_refused(state):
    with Sandbox(state=state), pytest.raises(StateUnusable, match="in use by another sandbox"):
        Sandbox(state=state)


def test_a_file_of_another_kind_is_refused_and_left_alone(state):
    state.parent.mkdir()
    state.write_text("This is a letter, long enough to be no database at all.\n" * 20)

    with pytest.raises(StateUnusable, match="no state file"):
        Sandbox(state=state)

    assert state.read_text().startswith("This is a letter")


def test_another_programs_database_is_refused(state):
    state.parent.mkdir()
    with contextlib.closing(sqlite3.connect(state)) as database:
        database.execute("CREATE TABLE customer (name TEXT)")
        database.commit()

    with pytest.raises(StateUnusable, match="another program's database"):
        Sandbox(state=state)


@pytest.mark.parametrize(
    "damage",
    [
        "PRAGMA user_version = 99",
        "DELETE FROM founding",
        "UPDATE founding SET founded_at = 'soon'",
        "DELETE FROM clock",
        "DROP TABLE event",
        "INSERT INTO event (document) VALUES ('{')",
        "INSERT INTO event (document) VALUES ('{}')",
        'INSERT INTO event (document) VALUES (\'{"kind": "replication", "records": [{}]}\')',
        'INSERT INTO event (document) VALUES (\'{"kind": "deletion"}\')',
    ],
)
def test_a_damaged_file_is_refused(state, damage):
    with Sandbox(state=state):
        pass
    with contextlib.closing(sqlite3.connect(state)) as database:
        database.execute(damage)
        database.commit()

    with pytest.raises(StateUnusable, match=str(state)):
        Sandbox(state=state)


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StateUnusable, match="Cannot open the state file"):
        Sandbox(state=tmp_path / "file" / "sandbox.sqlite3")
    with pytest.raises(StateUnusable, match="Name a file that can be written"):
        Sandbox(state=tmp_path)


def test_a_state_that_cannot_be_kept_is_an_error_and_no_replication(state):
    with Sandbox(state=state) as sandbox, contextlib.closing(Visitor(sandbox)) as visitor:
        # A full disk cannot be had in a test; a table that has gone fails in the same place.
        sandbox._simulation._journal._database.execute("DROP TABLE event")

        answer = visitor.replicate()

        assert code_of(answer) == (500, "BackupService.9910")
        assert visitor.accepted() == visitor.replication_logs() == []
