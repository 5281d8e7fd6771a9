"""One call as handlers see it, and the cutting of lists into pages that all of them share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar
from uuid import uuid4

from werkzeug.wrappers import Request

from replication.sandbox.entities import Backup, OperationLog, Vault, derived_id
from replication.sandbox.faults import Fault
from replication.sandbox.identity import Access
from replication.sandbox.parameters import Query
from replication.sandbox.representations import Representation
from replication.sandbox.simulation import Simulation

Listed = TypeVar("Listed", Vault, Backup, OperationLog)


@dataclass(frozen=True, slots=True)
class Call:
    """A routed request with all that is known of it.

    Args:
        simulation: The cloud that is called.
        request: The request as received.
        body: Its body.
        path: The variable parts of its path.
        access: Who asks, once that is known.
        now: The cloud's time; one moment for the whole call.
        request_id: What X-Request-Id of the answer will be.
        fault: A fault that the handler has a part in.
    """

    simulation: Simulation
    request: Request
    body: bytes
    path: Mapping[str, str]
    access: Access | None
    now: datetime
    request_id: str
    fault: Fault | None = None

    @property
    def user_access(self) -> Access:
        """Who asks, where the gateway has made sure of it."""
        if self.access is None:
            raise LookupError("this operation needs no access")
        return self.access

    @property
    def project_id(self) -> str:
        return self.path["project_id"]

    @property
    def query(self) -> Query:
        return Query(self.request.args)

    @property
    def representation(self) -> Representation:
        simulation = self.simulation
        on_replicas = simulation.switches["replica_records"] == "present"
        return Representation(simulation.world, simulation.profile, self.now, on_replicas)

    def suffers(self, name: str) -> Fault | None:
        return self.fault if self.fault is not None and self.fault.name == name else None

    def shifted(self, items: Sequence[Listed]) -> list[Listed]:
        """Show a list as it would be had it changed since the earlier calls that a fault spoiled."""
        fault = self.suffers("shifting_pages")
        if fault is None:
            return list(items)
        changes = fault.served - 1
        if fault.parameters["change"] == "delete" or not items:
            return list(items[changes:])
        shown = list(items)
        for number in range(changes):
            shown.insert(0, replace(items[0], id=derived_id(items[0].id, "shifted", number)))
        return shown


def new_request_id(simulation: Simulation) -> str:
    """Make an id for X-Request-Id, in the form of the operation log's where the two are to be the same."""
    return f"req-{uuid4()}" if simulation.switches["request_id"] == "same" else uuid4().hex
