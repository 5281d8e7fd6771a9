"""One running cloud: its world, clock, users, switches and faults, and the few ways in which it changes.

Every change is kept in the journal before the world shows it. HTTP is not known here; callers hold the lock.
"""

import sqlite3
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from replication.sandbox.clock import Clock
from replication.sandbox.entities import ReplicationRecord
from replication.sandbox.faults import FaultBook
from replication.sandbox.identity import USERS, Tokens
from replication.sandbox.rules import Rules
from replication.sandbox.seed import found_world
from replication.sandbox.state import Founding, Journal, StateUnusable
from replication.sandbox.switches import Profile, complete_switches
from replication.sandbox.world import World

FARTHEST_CLOCK = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Options:
    """How a sandbox is started.

    Args:
        profile: Whose documentation the answers follow.
        seed: Decides the world; none takes the state file's, or 1.
        scale: How large the world is; none takes the state file's, or 1.
        speed: Divides every duration.
        switches: Answers to open questions; those left out have their default.
        state: The file to remember by; none forgets everything at the end.
    """

    profile: Profile = "otc"
    seed: int | None = None
    scale: int | None = None
    speed: float = 1.0
    switches: Mapping[str, str] = field(default_factory=dict)
    state: Path | None = None


class Simulation:
    """The cloud behind the HTTP server.

    Raises:
        StateUnusable: The state file cannot be used.
        UnknownSwitch: A switch does not exist.
    """

    def __init__(self, options: Options) -> None:
        self.profile = options.profile
        self.speed = options.speed
        self.switches = complete_switches(options.switches)
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self.clock = Clock()
        self.faults = FaultBook()
        #: How many requests of each operation came in, whatever became of them; not kept across a restart.
        self.received: Counter[str] = Counter()
        seed = 1 if options.seed is None else options.seed
        wanted = Founding(seed, options.scale or 1, datetime.now(UTC).replace(microsecond=0))
        self._journal = Journal(options.state, wanted)
        self.notes = _disagreements(options, self._journal.founding)
        self._found()
        self._replay()

    @property
    def founding(self) -> Founding:
        return self._journal.founding

    def rules(self, project_id: str, now: datetime) -> Rules:
        return Rules(self.world, self.profile, self.switches, project_id, now)

    def accept(self, accepted: Mapping[str, Any], records: list[ReplicationRecord]) -> None:
        """Keep an accepted replicate call with its records; it outlives a kill when this returns."""
        order = len(self.world.accepted) + 1
        self._keep(
            {
                "kind": "replication",
                "accepted": {"order": order, **accepted},
                "records": [record.to_json() for record in records],
            }
        )

    def add_vault(self, facts: Mapping[str, Any], policy_id: str) -> None:
        """Add a vault, and apply a policy to it where one is named."""
        self._keep({"kind": "vault", "vault": dict(facts), "policy_id": policy_id})

    def add_vaults(self, facts: Mapping[str, Any]) -> None:
        """Add many vaults at once; further_vaults says which facts they are made of."""
        self._keep({"kind": "vaults", "seed": self.founding.seed, "user_id": USERS[0].id, **facts})

    def change_vault(self, vault_id: str, changes: Mapping[str, Any]) -> None:
        self._keep({"kind": "vault_change", "id": vault_id, "changes": dict(changes)})

    def add_backup(self, facts: Mapping[str, Any]) -> None:
        self._keep({"kind": "backup", **facts})

    def delete(self, object_id: str) -> None:
        self._keep({"kind": "deletion", "id": object_id})

    def change_policies(self, facts: Mapping[str, Any]) -> None:
        """Keep an accepted change of policies; it outlives a kill when this returns."""
        order = len(self.world.policy_changes) + 1
        self._keep({"kind": "policy_change", "accepted": {"order": order, **facts}})

    def advance_clock(self, seconds: float) -> None:
        """Move the clock, backwards too; it stays within ten years of the real one."""
        with self.lock:
            offset = self.clock.offset + timedelta(seconds=seconds)
            self.clock.offset = max(-FARTHEST_CLOCK, min(FARTHEST_CLOCK, offset))
            self._journal.clock_offset = self.clock.offset

    def start_over(self) -> None:
        """Found the world anew, as of now and with the same seed; faults and the moved clock are forgotten too."""
        founding = self._journal.founding
        self._journal.start_over(
            Founding(founding.seed, founding.scale, datetime.now(UTC).replace(microsecond=0))
        )
        self.clock.offset = timedelta(0)
        self.faults.clear()
        self._found()

    def close(self) -> None:
        self._journal.close()

    def _found(self) -> None:
        founding = self._journal.founding
        self.world: World = found_world(founding.seed, founding.scale, founding.founded_at, USERS[0].id)
        self.tokens = Tokens(f"sandbox tokens of seed {founding.seed}")

    def _replay(self) -> None:
        try:
            self.clock.offset = self._journal.clock_offset
            for event in self._journal.events():
                self.world.apply(event)
        except (KeyError, TypeError, ValueError, sqlite3.Error) as error:
            self._journal.close()
            raise StateUnusable(
                f"{self._journal.path} holds what cannot be read ({error!r}). Name another file or delete it."
            ) from error

    def _keep(self, event: Mapping[str, Any]) -> None:
        self._journal.append(event)
        self.world.apply(event)


def _disagreements(options: Options, founding: Founding) -> list[str]:
    """Say where the state file's world differs from the one asked for; the file wins."""
    return [
        f"The state file holds a world of {name} {kept}; --{name} {asked} is not used. Delete the file to start over."
        for name, asked, kept in (
            ("seed", options.seed, founding.seed),
            ("scale", options.scale, founding.scale),
        )
        if asked is not None and asked != kept
    ]
