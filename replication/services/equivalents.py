"""The same action as a command line: for a script, for the support, or to learn the API from.

Ids are filled in, secrets never: a token is read from a variable of the shell. Knows commands, and no page.
"""

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from replication.cloud import BackupOrder, ReplicateOrder
from replication.models import Replication

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


def replicate_backup(
    *, source_region: str, source_project_id: str, order: BackupOrder
) -> tuple[Command, ...]:
    """Return the commands that start the replication of one backup. API: CopyBackup."""
    backup_id = quote(order.backup_id, safe="")
    address = f"{public_address(source_region, source_project_id)}/backups/{backup_id}/replicate"
    return (curl("POST", address, order.to_json()),)


def replicate_batch(replications: Iterable[Replication]) -> tuple[Command, ...]:
    """Return one command that starts what a batch asked for: a loop for each source project, since a token is good for one.

    Replications that differ in anything but their vault are in loops of their own.
    """
    alike: dict[tuple[str, str, ReplicateOrder], list[str]] = {}
    for one in replications:
        order = ReplicateOrder(
            vault_id=_EACH,
            destination_region=one.destination_region,
            destination_project_id=one.destination_project_id,
            destination_vault_id=one.destination_vault_id,
            auto_trigger=one.auto_trigger,
        )
        alike.setdefault((one.source_region, one.source_project_id, order), []).append(one.vault_id)
    loops = [_loop(*kind, vaults) for kind, vaults in alike.items()]
    return (Command("curl", "\n\n".join(loops)),) if loops else ()


#: Stands for each vault of a loop until the shell's variable takes its place; no id of the cloud is like it.
_EACH = "<each vault>"


def _loop(region: str, project_id: str, order: ReplicateOrder, vaults: list[str]) -> str:
    """Return a loop over vaults of one source project."""
    [call] = replicate_vault(source_region=region, source_project_id=project_id, order=order)
    # Out of the quotes, the variable, and into them again: it holds what JSON has between its own quotes.
    body = call.text.replace(_EACH, "'\"$vault_id\"'")
    listed = " \\\n    ".join(shlex.quote(json.dumps(vault, ensure_ascii=False)[1:-1]) for vault in vaults)
    told = f"{project_id} in {region}".replace("\n", " ")
    return f"# Project {told}: ${TOKEN_VARIABLE} has to be a token for it.\nfor vault_id in \\\n    {listed}\ndo\n{body}\ndone"
