"""A change of policies as a command line, for a script, for the support, or to learn the API from."""

from collections.abc import Sequence

from replication.cloud import PolicyOrder
from replication.models import PolicyChange, Project

from .connection import public_address
from .equivalents import Command, curl


def commands(project: Project, orders: Sequence[PolicyOrder]) -> tuple[Command, ...]:
    """Return for each order the command that does the same. Ids are filled in, secrets never."""
    base = public_address(project.region.name, project.project_id)
    return tuple(curl(order.method, f"{base}/{order.path}", order.document) for order in orders)


def commands_of(change: PolicyChange) -> tuple[Command, ...]:
    """Return the command that does the same as a change that was asked for."""
    return commands(change.project, [PolicyOrder(**change.order)])
