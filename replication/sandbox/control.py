"""The controls for tests under `/_sandbox/`: faults, accepted calls, the clock, and changes to the world.

Only peers on loopback are heard. Nothing here is part of the cloud that is simulated.
"""

import ipaddress
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request

from replication.sandbox.answers import Answer, Refusal
from replication.sandbox.faults import KINDS, FaultRefused, read_fault
from replication.sandbox.further_vaults import names_of_further_vaults
from replication.sandbox.parameters import (
    Field,
    check_object,
    is_boolean,
    is_number,
    is_one_of,
    is_text,
    is_uuid,
    parse_json,
)
from replication.sandbox.reading import BACKUP_STATUSES, VAULT_STATUSES
from replication.sandbox.routes import OPERATION_NAMES
from replication.sandbox.simulation import Simulation

PREFIX = "/_sandbox/"
FARTHEST_SECONDS = 10_000_000

Handler = Callable[["Control", dict[str, str], Any], object]

BACKUP_FIELDS = {
    "vault_id": Field(is_uuid, required=True),
    "name": Field(is_text(1, 64)),
    "stored_mb": Field(is_number(0, 10_000_000)),
    "status": Field(is_one_of(*BACKUP_STATUSES)),
    "contains_system_disk": Field(is_boolean),
}
MANY_VAULTS_FIELDS = {
    "project": Field(is_text(1, 64), required=True),
    "number": Field(is_number(1, 20_000), required=True),
    "backups_each": Field(is_number(0, 400)),
    "stored_mb": Field(is_number(0, 10_000_000)),
    "name": Field(is_text(1, 58)),
    "protect_type": Field(is_one_of("backup", "replication")),
    "size_gb": Field(is_number(1, 10_485_760)),
}
VAULT_FIELDS = {
    "name": Field(is_text(1, 64)),
    "status": Field(is_one_of(*VAULT_STATUSES)),
    "size_gb": Field(is_number(1, 10_485_760)),
    "locked": Field(is_boolean),
    "auto_expand": Field(is_boolean),
}


class Control:
    """Answers the calls of tests."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._map = Map(
            [Rule(PREFIX + path, methods=[method], endpoint=handler) for method, path, handler in ROUTES]
        )

    def answer(self, request: Request, body: bytes) -> Answer:
        """Carry out one call; refusals say in plain words what would be right."""
        if not ipaddress.ip_address(request.remote_addr or "0.0.0.0").is_loopback:  # noqa: S104 - stands for "unknown"
            return _declined(403, "The controls of the sandbox answer on loopback only.")
        try:
            handler, path = self._map.bind_to_environ(request.environ).match()
        except HTTPException as error:
            return _declined(error.code or 404, "There is no such control.")
        try:
            with self._simulation.lock:
                wishes = parse_json(body) if body else dict(request.args)
                return Answer(200, handler(self, dict(path), wishes))
        except (FaultRefused, ValueError) as error:
            return _declined(400, str(error))
        except Refusal as refusal:
            return refusal.answer

    def describe_controls(self, _: dict[str, str], __: object) -> object:
        """List these controls."""
        return {
            "controls": [
                {
                    "method": method,
                    "path": f"{PREFIX}{path}",
                    "sentence": " ".join((handler.__doc__ or "").split()),
                }
                for method, path, handler in ROUTES
            ]
        }

    def list_faults(self, _: dict[str, str], __: object) -> object:
        """List the faults still to come, and all kinds with their parameters and defaults."""
        kinds = {name: {"sentence": kind.sentence, **kind.parameters} for name, kind in KINDS.items()}
        return {"faults": [fault.to_json() for fault in self._simulation.faults.pending()], "kinds": kinds}

    def add_fault(self, _: dict[str, str], wishes: object) -> object:
        """Spoil the next calls: operation (or *), fault, count (1), skip (0), and the parameters of its kind."""
        if not isinstance(wishes, dict):
            raise FaultRefused("A fault is an object with operation and fault.")
        fault = read_fault(wishes, OPERATION_NAMES)
        self._simulation.faults.add(fault)
        return fault.to_json()

    def clear_faults(self, _: dict[str, str], __: object) -> object:
        """Forget the faults still to come."""
        self._simulation.faults.clear()
        return {"faults": []}

    def list_accepted(self, _: dict[str, str], wishes: object) -> object:
        """List accepted replicate calls in their order; `?after=7` leaves the first seven out."""
        assert isinstance(wishes, dict)  # noqa: S101 - a call without a body brings its query
        after = str(wishes.get("after", "0"))
        if not (after.isascii() and after.isdigit()):
            raise ValueError("after must be the order of an accepted call.")
        return {"accepted": self._simulation.world.accepted[int(after) :]}

    def list_policy_changes(self, _: dict[str, str], __: object) -> object:
        """List all policies as they are, and the accepted changes of policies in their order."""
        world = self._simulation.world
        return {
            "policies": [policy.to_json() for policy in world.policies.values()],
            "accepted": world.policy_changes,
        }

    def count_calls(self, _: dict[str, str], __: object) -> object:
        """Count the requests that came in, by operation, whatever became of them."""
        return {"received": dict(self._simulation.received)}

    def move_clock(self, _: dict[str, str], wishes: object) -> object:
        """Move the cloud's clock by advance_seconds, which may be negative."""
        fields = {"advance_seconds": Field(_is_seconds, required=True)}
        check_object(wishes, "the body", fields)
        assert isinstance(wishes, dict)  # noqa: S101 - tells the type checker what the line above ensured
        self._simulation.advance_clock(wishes["advance_seconds"])
        return {"now": self._simulation.clock.now().isoformat()}

    def start_over(self, _: dict[str, str], __: object) -> object:
        """Found the world anew from its seed; all else is forgotten."""
        self._simulation.start_over()
        return self.describe_world({}, {})

    def describe_world(self, _: dict[str, str], __: object) -> object:
        """Tell profile, seed, clock and switches, and the ids of projects and vaults by name."""
        simulation, world = self._simulation, self._simulation.world
        founding = simulation.founding
        return {
            "profile": simulation.profile,
            "speed": simulation.speed,
            "seed": founding.seed,
            "scale": founding.scale,
            "founded_at": founding.founded_at.isoformat(),
            "now": simulation.clock.now().isoformat(),
            "switches": simulation.switches,
            "projects": {
                project.name: {"id": project.id, "region": project.region}
                for project in world.projects.values()
                if project.region
            },
            "vaults": {
                vault.name: {"id": vault.id, "project_id": vault.project_id}
                for vault in world.vaults.values()
            },
        }

    def add_backup(self, _: dict[str, str], wishes: object) -> object:
        """Add a backup of the first resource of vault_id; name, stored_mb, status, contains_system_disk."""
        check_object(wishes, "the body", BACKUP_FIELDS)
        assert isinstance(wishes, dict)  # noqa: S101 - tells the type checker what the line above ensured
        vault = self._simulation.world.vaults.get(wishes["vault_id"])
        if vault is None or not vault.resources:
            raise ValueError("vault_id must name a vault with resources.")
        backup = {
            "id": str(uuid4()),
            "name": "manualbk_added",
            "checkpoint_id": str(uuid4()),
            "created_at": self._simulation.clock.now().isoformat(),
            "stored_mb": 10_240,
            "status": "available",
            "contains_system_disk": True,
            **wishes,
        }
        self._simulation.add_backup(backup)
        return {"backup_id": backup["id"]}

    def add_vaults(self, _: dict[str, str], wishes: object) -> object:
        """Add many vaults to a project, named `{name}-00001` and so on, with backups that may be replicated.

        Takes project (its name), number, backups_each (1), stored_mb (64), name (vault-branch), size_gb (1000) and
        protect_type (backup; a vault for replication is empty and named replica-branch). Ids follow from the seed; the
        answer lists them, backups the oldest first. A name that was used before is declined.
        """
        check_object(wishes, "the body", MANY_VAULTS_FIELDS)
        assert isinstance(wishes, dict)  # noqa: S101 - tells the type checker what the line above ensured
        world = self._simulation.world
        project = next((one for one in world.projects.values() if one.name == wishes["project"]), None)
        if project is None or not project.region:
            raise ValueError("project must be the name of a project in a region.")
        facts = {"protect_type": "backup", "stored_mb": 64, "size_gb": 1000, **wishes}
        takes_replicas = facts["protect_type"] == "replication"
        facts.setdefault("name", "replica-branch" if takes_replicas else "vault-branch")
        if takes_replicas and facts.setdefault("backups_each", 0):
            raise ValueError("A vault for replication is made without backups.")
        facts.setdefault("backups_each", 1)
        wanted = names_of_further_vaults(facts["name"], facts["number"])
        if not {vault.name for vault in world.vaults.values()}.isdisjoint(wanted):
            raise ValueError(f"There are vaults named {facts['name']}-… already; give another name.")
        facts |= {
            "project_id": project.id,
            "region": project.region,
            "created_at": self._simulation.clock.now().isoformat(),
        }
        self._simulation.add_vaults(facts)
        made = world.project_vaults(project.id)[-facts["number"] :]
        return {
            "vaults": [
                {
                    "id": vault.id,
                    "name": vault.name,
                    "backup_ids": [backup.id for backup in world.own_backups(vault.id)],
                }
                for vault in made
            ]
        }

    def delete_backup(self, path: dict[str, str], _: object) -> object:
        """Delete a backup or a replica."""
        world, now = self._simulation.world, self._simulation.clock.now()
        if not any(world.find_backup(project, path["id"], now) for project in world.projects):
            raise ValueError("There is no such backup.")
        self._simulation.delete(path["id"])
        return {"deleted": path["id"]}

    def delete_vault(self, path: dict[str, str], _: object) -> object:
        """Delete a vault with all that is in it."""
        if path["id"] not in self._simulation.world.vaults:
            raise ValueError("There is no such vault.")
        self._simulation.delete(path["id"])
        return {"deleted": path["id"]}

    def change_vault(self, path: dict[str, str], wishes: object) -> object:
        """Change name, status, size_gb, locked or auto_expand of a vault."""
        check_object(wishes, "the body", VAULT_FIELDS)
        assert isinstance(wishes, dict)  # noqa: S101 - tells the type checker what the line above ensured
        if path["id"] not in self._simulation.world.vaults:
            raise ValueError("There is no such vault.")
        self._simulation.change_vault(path["id"], wishes)
        return {"changed": path["id"]}


def _is_seconds(value: object, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= FARTHEST_SECONDS:
        raise ValueError(f"{where} must be a number of seconds, at most {FARTHEST_SECONDS}.")


def _declined(status: int, reason: str) -> Answer:
    return Answer(status, {"error": reason})


ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "", Control.describe_controls),
    ("GET", "faults", Control.list_faults),
    ("POST", "faults", Control.add_fault),
    ("DELETE", "faults", Control.clear_faults),
    ("GET", "accepted", Control.list_accepted),
    ("GET", "policies", Control.list_policy_changes),
    ("GET", "calls", Control.count_calls),
    ("POST", "clock", Control.move_clock),
    ("POST", "reset", Control.start_over),
    ("GET", "world", Control.describe_world),
    ("POST", "backups", Control.add_backup),
    ("DELETE", "backups/<id>", Control.delete_backup),
    ("POST", "vaults", Control.add_vaults),
    ("POST", "vaults/<id>", Control.change_vault),
    ("DELETE", "vaults/<id>", Control.delete_vault),
)
