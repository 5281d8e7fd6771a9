"""Path and method → operation, after the API reference, and the way of a call through the gateway to its handler.

Both address forms lead here: `/v3/{project_id}/…` and, as the catalog lists it, `/{region}/v3/{project_id}/…`.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request

from replication.sandbox import gateway, iam, policies, reading, replicating
from replication.sandbox.answers import Answer, Refusal, cbr_refusal, gateway_refusal
from replication.sandbox.calls import Call
from replication.sandbox.entities import REGIONS
from replication.sandbox.faults import Fault
from replication.sandbox.gateway import Gateway, Unidentified
from replication.sandbox.identity import Access
from replication.sandbox.simulation import Simulation
from replication.sandbox.state import StateUnusable

logger = logging.getLogger("replication.sandbox")

CBR = "/v3/<project_id>"


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of the reference.

    Args:
        name: How faults name it.
        method: HTTP method.
        path: Its path; that of a CBR call follows the project.
        handler: Who answers.
        action: The right that it needs; nothing for a call of IAM.
        is_open: Whether it needs no sign-in.
    """

    name: str
    method: str
    path: str
    handler: Callable[[Call], Answer]
    action: str = ""
    is_open: bool = False


OPERATIONS = (
    Operation("iam.discovery", "GET", "/v3", iam.discover_versions, is_open=True),
    Operation("auth.tokens", "POST", "/v3/auth/tokens", iam.create_token, is_open=True),
    Operation("auth.projects", "GET", "/v3/auth/projects", iam.list_own_projects),
    Operation("auth.catalog", "GET", "/v3/auth/catalog", iam.show_catalog),
    Operation("projects.list", "GET", "/v3/projects", iam.list_projects),
    Operation("vaults.list", "GET", "/vaults", reading.list_vaults, "cbr:vaults:list"),
    Operation("vaults.external", "GET", "/vaults/external", reading.list_external_vaults, "cbr:vaults:list"),
    Operation("vaults.get", "GET", "/vaults/<vault_id>", reading.get_vault, "cbr:vaults:get"),
    Operation("vaults.create", "POST", "/vaults", replicating.create_vault, "cbr:vaults:create"),
    Operation("backups.list", "GET", "/backups", reading.list_backups, "cbr:backups:list"),
    Operation("backups.get", "GET", "/backups/<backup_id>", reading.get_backup, "cbr:backups:get"),
    Operation(
        "backups.replicate",
        "POST",
        "/backups/<backup_id>/replicate",
        replicating.replicate_backup,
        "cbr:backups:replicate",
    ),
    Operation(
        "checkpoints.replicate",
        "POST",
        "/checkpoints/replicate",
        replicating.replicate_checkpoint,
        "cbr:vaults:replicate",
    ),
    Operation("operation_logs.list", "GET", "/operation-logs", reading.list_operation_logs, "cbr:tasks:list"),
    Operation(
        "operation_logs.get",
        "GET",
        "/operation-logs/<operation_log_id>",
        reading.get_operation_log,
        "cbr:tasks:get",
    ),
    Operation(
        "replication_capabilities.get",
        "GET",
        "/replication-capabilities",
        reading.list_replication_capabilities,
        "cbr:backups:queryReplicationCapability",
    ),
    Operation("policies.list", "GET", "/policies", reading.list_policies, "cbr:policies:list"),
    Operation("policies.get", "GET", "/policies/<policy_id>", reading.get_policy, "cbr:policies:get"),
    Operation("policies.create", "POST", "/policies", policies.create_policy, "cbr:policies:create"),
    Operation(
        "policies.delete", "DELETE", "/policies/<policy_id>", policies.delete_policy, "cbr:policies:delete"
    ),
    Operation(
        "vaults.associatepolicy",
        "POST",
        "/vaults/<vault_id>/associatepolicy",
        policies.associate,
        "cbr:vaults:associatePolicy",
    ),
    Operation(
        "vaults.dissociatepolicy",
        "POST",
        "/vaults/<vault_id>/dissociatepolicy",
        policies.dissociate,
        "cbr:vaults:dissociatePolicy",
    ),
)
OPERATION_NAMES = frozenset(operation.name for operation in OPERATIONS)


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request leads."""

    operation: Operation
    path: dict[str, str]


class Router:
    """Finds the operation of a request and carries it out."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._gateway = Gateway(simulation)
        self._operations = {operation.name: operation for operation in OPERATIONS}
        self._map = Map(list(_rules(simulation)), strict_slashes=False, merge_slashes=False)

    def find(self, request: Request) -> Route:
        """Find the operation.

        Raises:
            Refusal: 404 or 405, worded as the gateway does.
        """
        try:
            name, path = self._map.bind_to_environ(request.environ).match()
        except MethodNotAllowed as error:
            raise gateway_refusal(405, "0101", "The API does not exist with this method") from error
        except HTTPException as error:
            message = "The API does not exist or has not been published in the environment"
            raise gateway_refusal(404, "0101", message) from error
        return Route(self._operations[name], dict(path))

    def answer(
        self, route: Route, request: Request, body: bytes, request_id: str, fault: Fault | None
    ) -> Answer:
        """Carry out an operation; a refusal is an answer like any other."""
        with self._simulation.lock:
            try:
                return self._carry_out(route, request, body, request_id, fault)
            except Refusal as refusal:
                return refusal.answer
            except StateUnusable:
                logger.exception("the state file failed")
                return cbr_refusal("9910", "Unknown error.", 500).answer

    def _carry_out(
        self, route: Route, request: Request, body: bytes, request_id: str, fault: Fault | None
    ) -> Answer:
        now = self._simulation.clock.now()
        access = None if route.operation.is_open else self._admit(route, request, body, now)
        return route.operation.handler(
            Call(self._simulation, request, body, route.path, access, now, request_id, fault)
        )

    def _admit(self, route: Route, request: Request, body: bytes, now: datetime) -> Access:
        action = route.operation.action
        try:
            access = self._gateway.identify(request, body, now)
        except Unidentified as unidentified:
            refuse = gateway.not_identified if action else iam.not_identified
            raise refuse(unidentified) from unidentified
        if action:
            self._gateway.check_project(access, route.path["project_id"], route.path.get("region", ""))
            self._gateway.check_right(access, action)
        return access


def _rules(simulation: Simulation) -> Iterator[Rule]:
    regions = f"<any({', '.join(map(repr, REGIONS))}):region>"
    for operation in OPERATIONS:
        if operation.name == "vaults.external" and simulation.switches["external_vaults"] == "absent":
            continue
        prefix = CBR if operation.action else ""
        for path in (f"{prefix}{operation.path}", f"/{regions}{prefix}{operation.path}"):
            yield Rule(path, methods=[operation.method], endpoint=operation.name)
