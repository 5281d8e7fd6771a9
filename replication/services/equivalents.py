"""The same action as a command line: for a script, for the support, or to learn the API from.

Ids are filled in, secrets never: a token is read from a variable of the shell. Knows commands, and no page.
"""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from replication.cloud import ReplicateOrder

from .connection import public_address

#: The variable that the command reads the token from, as OpenStack's tools name it.
TOKEN_VARIABLE = "OS_TOKEN"  # noqa: S105  # the name of a variable


@dataclass(frozen=True, slots=True)
class Command:
    """One command that does the same as a page's button."""

    #: The program, such as curl: what a heading names.
    program: str
    #: The whole of it, over several lines, ready to be pasted into a POSIX shell.
    text: str


def curl(method: str, address: str, body: Mapping[str, Any] | None = None) -> Command:
    """Return a call of the cloud's API as `curl` makes it.

    Every argument is quoted for the shell, whatever it holds. The token is the shell's `$OS_TOKEN`.
    """
    lines = [
        f"curl -X {shlex.quote(method)} {shlex.quote(address)}",
        f'-H "X-Auth-Token: ${TOKEN_VARIABLE}"',
    ]
    if body is not None:
        lines.append("-H 'Content-Type: application/json'")
        lines.append(f"-d {shlex.quote(json.dumps(body, indent=2, ensure_ascii=False))}")
    return Command("curl", " \\\n  ".join(lines))


def replicate_vault(
    *, source_region: str, source_project_id: str, order: ReplicateOrder
) -> tuple[Command, ...]:
    """Return the commands that start the replication of a whole vault. API: CopyCheckpoint."""
    address = f"{public_address(source_region, source_project_id)}/checkpoints/replicate"
    return (curl("POST", address, order.to_json()),)
