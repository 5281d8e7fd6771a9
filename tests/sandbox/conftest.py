"""Running sandboxes, and visitors who have signed in to them."""

import contextlib

import pytest

from replication.sandbox import Sandbox
from tests.sandbox.visitor import Visitor


@pytest.fixture
def sandbox():
    with Sandbox(seed=1) as running:
        yield running


@pytest.fixture
def visitor(sandbox):
    with contextlib.closing(Visitor(sandbox)) as signed_in:
        yield signed_in


@pytest.fixture
def open_cloud():
    """Start further sandboxes; each call answers with a visitor of a new one."""
    with contextlib.ExitStack() as stack:

        def start(*, project="eu-de_production", user="replication", **options):
            sandbox = stack.enter_context(Sandbox(**options))
            return stack.enter_context(contextlib.closing(Visitor(sandbox, project, user)))

        yield start


@pytest.fixture
def visit(sandbox):
    """Sign in to the sandbox as somebody else or for another project."""
    with contextlib.ExitStack() as stack:

        def enter(project="eu-de_production", user="replication"):
            return stack.enter_context(contextlib.closing(Visitor(sandbox, project, user)))

        yield enter
