"""A world of thousands of vaults: how tests get one, and that no call about one vault costs more in it."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from replication.sandbox.identity import find_user
from replication.sandbox.routes import Router
from replication.sandbox.simulation import Options, Simulation

OWN_CODE = str(Path("replication", "sandbox"))


def add_vaults(visitor, number, **wishes):
    order = {"project": "eu-de_production", "number": number} | wishes
    return visitor.control("POST", "vaults", order)


def test_many_vaults_can_be_added_at_once(visitor):
    made = add_vaults(visitor, 3, backups_each=2, name="vault-branch").json()["vaults"]

    listed = visitor.get("vaults").json()["vaults"][-3:]
    assert [(vault["id"], vault["name"]) for vault in made] == [
        (vault["id"], vault["name"]) for vault in listed
    ]
    assert [vault["name"] for vault in made] == [
        "vault-branch-00001",
        "vault-branch-00002",
        "vault-branch-00003",
    ]
    oldest_first = visitor.get("backups", vault_id=made[1]["id"], sort="created_at:asc").json()["backups"]
    assert [backup["id"] for backup in oldest_first] == made[1]["backup_ids"]


def test_an_added_vault_is_replicated_whole(visitor):
    (made,) = add_vaults(visitor, 1, backups_each=2).json()["vaults"]

    answer = visitor.replicate(vault_id=made["id"]).json()["replication"]

    assert [item["backup_id"] for item in answer["backups"]] == made["backup_ids"]


def test_added_vaults_may_be_destinations(visitor):
    order = {"project": "eu-nl_archive", "protect_type": "replication", "size_gb": 2000}
    made = add_vaults(visitor, 2, **order).json()["vaults"]
    project_id = visitor.world["projects"]["eu-nl_archive"]["id"]

    answers = [
        visitor.replicate(vault, destination_project_id=project_id, destination_vault_id=target["id"])
        for vault, target in zip(("vault-orders-db", "vault-payments"), made, strict=True)
    ]

    assert [vault["name"] for vault in made] == ["replica-branch-00001", "replica-branch-00002"]
    assert [answer.status_code for answer in answers] == [200, 200]


def test_the_same_seed_gives_added_vaults_the_same_ids(open_cloud):
    one, other, different = (
        add_vaults(open_cloud(seed=seed), 2, backups_each=3).json() for seed in (5, 5, 6)
    )

    assert one == other
    assert one["vaults"][0]["id"] != different["vaults"][0]["id"]


def test_a_world_with_added_vaults_may_be_started_over(visitor):
    before = add_vaults(visitor, 2).json()

    visitor.control("POST", "reset")

    assert visitor.get("vaults").json()["count"] == 7
    assert add_vaults(visitor, 2).json() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"project": "eu-de_unknown"},
        {"project": "MOS"},
        {"number": 0},
        {"number": 20_001},
        {"number": True},
        {"backups_each": -1},
        {"stored_mb": "1"},
        {"size_gb": 0},
        {"protect_type": "hybrid"},
        {"protect_type": "replication", "backups_each": 1},
        {"name": ""},
        {"colour": "red"},
    ],
)
def test_vaults_that_cannot_be_added_are_declined(visitor, changes):
    assert add_vaults(visitor, **{"number": 1} | changes).status_code == 400


def test_a_name_is_given_to_vaults_once(visitor):
    add_vaults(visitor, 2)

    again = add_vaults(visitor, 1)

    assert (again.status_code, again.json()) == (
        400,
        {"error": "There are vaults named vault-branch-… already; give another name."},
    )


def test_accepted_calls_can_be_read_from_where_one_left_off(visitor):
    for vault in add_vaults(visitor, 3).json()["vaults"]:
        visitor.replicate(vault_id=vault["id"])

    later = visitor.control("GET", "accepted?after=2").json()["accepted"]

    assert [call["order"] for call in later] == [3]


def test_accepted_calls_after_no_number_are_declined(visitor):
    assert visitor.control("GET", "accepted?after=x").status_code == 400


@pytest.mark.slow
def test_twenty_clients_replicate_a_thousand_vaults_once_each(visitor):
    vaults = add_vaults(visitor, 1000).json()["vaults"]

    with ThreadPoolExecutor(20) as clients:
        answers = list(clients.map(lambda vault: visitor.replicate(vault_id=vault["id"]), vaults))

    records = {
        answer.json()["replication"]["backups"][0]["replication_record_id"]
        for answer in answers
        if answer.status_code == 200
    }
    accepted = visitor.accepted()
    assert [call["order"] for call in accepted] == list(range(1, 1001))
    assert {call["record_ids"][0] for call in accepted} == records
    assert len(records) == 1000


class Cloud:
    """A cloud without its server, to count what a call costs."""

    def __init__(self, vaults):
        self.simulation = Simulation(Options())
        world = self.simulation.world
        self.projects = {project.name: project.id for project in world.projects.values()}
        self.vaults = {vault.name: vault.id for vault in world.vaults.values()}
        if vaults:
            self.simulation.add_vaults(
                {
                    "name": "vault-branch",
                    "number": vaults,
                    "backups_each": 2,
                    "stored_mb": 64,
                    "protect_type": "backup",
                    "size_gb": 1000,
                    "project_id": self.projects["eu-de_production"],
                    "region": "eu-de",
                    "created_at": self.simulation.clock.now().isoformat(),
                }
            )
        self.router = Router(self.simulation)
        user, now = find_user("replication"), self.simulation.clock.now()
        self.tokens = {
            name: self.simulation.tokens.issue(user, project_id, now)[0]
            for name, project_id in self.projects.items()
        }

    def order(self, vault_id):
        return {
            "vault_id": vault_id,
            "destination_region": "eu-nl",
            "destination_project_id": self.projects["eu-nl_recovery"],
            "destination_vault_id": self.vaults["replica-production"],
        }

    def call(self, method, path, body=b"", project="eu-de_production"):
        builder = EnvironBuilder(path=f"/v3/{self.projects[project]}/{path.partition('?')[0]}", method=method)
        builder.query_string = path.partition("?")[2]
        builder.headers["X-Auth-Token"] = self.tokens[project]
        request = Request(builder.get_environ())
        return self.router.answer(self.router.find(request), request, body, "request", None)

    def replicate(self, vault_id):
        return self.call(
            "POST", "checkpoints/replicate", json.dumps({"replicate": self.order(vault_id)}).encode()
        )


@pytest.fixture
def found_cloud():
    clouds = []

    def found(vaults):
        clouds.append(Cloud(vaults))
        return clouds[-1]

    yield found
    for cloud in clouds:
        cloud.simulation.close()


def steps(action):
    """Count the steps that the interpreter takes in the sandbox's own code for an action; no clock is needed for that."""
    count = 0

    def trace(frame, event, _):
        nonlocal count
        if OWN_CODE not in frame.f_code.co_filename:
            return None
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    former = sys.gettrace()
    sys.settrace(trace)
    try:
        answer = action()
    finally:
        sys.settrace(former)
    assert answer.status == 200
    return count


@pytest.mark.parametrize(
    ("method", "path", "project"),
    [
        ("GET", "backups?vault_id={vault}", "eu-de_production"),
        ("GET", "backups/{backup}", "eu-de_production"),
        ("GET", "backups/{child}", "eu-de_production"),
        ("GET", "backups?parent_id={backup}", "eu-de_production"),
        ("GET", "operation-logs?vault_id={vault}", "eu-de_production"),
        ("GET", "operation-logs/{log}", "eu-de_production"),
        ("GET", "vaults/{vault}", "eu-de_production"),
    ],
)
def test_a_call_about_one_vault_costs_the_same_in_a_larger_world(found_cloud, method, path, project):
    def cost(vaults):
        cloud = found_cloud(vaults)
        for vault in cloud.simulation.world.project_vaults(cloud.projects[project])[7:]:
            cloud.replicate(vault.id)
        vault = cloud.vaults["vault-erp"]
        (backup, *_) = cloud.simulation.world.own_backups(vault)
        (log, *_) = cloud.simulation.world.logs_of(vault, cloud.simulation.clock.now())
        names = {"vault": vault, "backup": backup.id, "child": backup.child_ids()[0], "log": log.id}
        return steps(lambda: cloud.call(method, path.format(**names), project=project))

    assert cost(600) <= cost(0) * 1.05


def test_a_replication_costs_the_same_after_many_into_the_same_vault(found_cloud):
    cloud = found_cloud(600)
    first, *others, last = cloud.simulation.world.project_vaults(cloud.projects["eu-de_production"])[7:]

    costs = [steps(lambda: cloud.replicate(first.id))]
    for vault in others:
        cloud.replicate(vault.id)
    costs.append(steps(lambda: cloud.replicate(last.id)))

    assert costs[1] <= costs[0] * 1.05
