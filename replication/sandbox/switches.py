"""The questions that the API reference leaves open, each as a switch with a default and a sentence.

Nothing here knows how a switch is obeyed: routes, rules and representations ask for a value by name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Profile = Literal["otc", "huawei"]
PROFILES: tuple[Profile, ...] = get_args(Profile)


class UnknownSwitch(ValueError):
    """A switch or a value that does not exist; the message lists those that do."""


@dataclass(frozen=True, slots=True)
class Switch:
    """One open question and the answers that the sandbox can be told to give, the default first."""

    name: str
    choices: tuple[str, ...]
    sentence: str

    @property
    def default(self) -> str:
        return self.choices[0]


SWITCHES: tuple[Switch, ...] = (
    Switch(
        "all_replicated",
        ("empty", "refuse_1009", "refuse_0001"),
        "What a vault replication answers when every backup has already reached that region.",
    ),
    Switch(
        "none_eligible",
        ("refuse_0001", "empty"),
        "What a vault replication answers when the vault holds no backup that can be replicated.",
    ),
    Switch(
        "destination_full",
        ("refuse_6129", "fail_backups"),
        "Whether a replication for which the destination lacks room is refused, or accepted and what finds no room fails.",
    ),
    Switch(
        "second_run",
        ("new_only", "refuse_1009"),
        "Whether a second replication of a vault to the same region takes the new backups or is refused.",
    ),
    Switch(
        "duplicate_guard",
        ("on", "off"),
        "Whether the cloud itself refuses a vault that is being replicated (6130) and leaves out what was copied "
        "before; off: every accepted request copies everything.",
    ),
    Switch(
        "replication_logs",
        ("listed", "absent"),
        "Whether the operation log lists replications at all.",
    ),
    Switch(
        "old_logs",
        ("kept", "gone"),
        "Whether the operation log still lists what is older than 30 days, which the console does not show.",
    ),
    Switch(
        "request_id",
        ("different", "same"),
        "Whether X-Request-Id of the POST is also extra_info.common.request_id of its operation logs.",
    ),
    Switch(
        "wrong_project",
        ("401", "400", "403"),
        "How a token of one project is refused on the path of another.",
    ),
    Switch(
        "operation_type_filter",
        ("refuse", "ignore", "honour"),
        "Profile otc: what the filter operation_type=replication does, which its enum lacks.",
    ),
    Switch(
        "protect_type_filter",
        ("honour", "ignore", "refuse"),
        "Profile otc: what the filter protect_type=replication does, of which only backup is documented.",
    ),
    Switch(
        "image_type_filter",
        ("honour", "ignore", "refuse"),
        "Profile otc: what the filter image_type=replication does, of which only backup is documented.",
    ),
    Switch(
        "show_replication",
        ("ignore", "refuse"),
        "Profile otc: whether the undocumented parameter show_replication is ignored or refused.",
    ),
    Switch(
        "replica_records",
        ("absent", "present"),
        "Profile huawei: whether a replica lists the record that made it, as its source does.",
    ),
    Switch(
        "external_vaults",
        ("absent", "present"),
        "Whether GET vaults/external exists.",
    ),
    Switch(
        "reverse_replication",
        ("on", "off"),
        "Whether eu-nl can replicate to eu-de as eu-de can to eu-nl.",
    ),
    Switch(
        "replica_limit",
        ("10", "0"),
        "How many replicas a backup may have; 0 makes the refusal BackupService.1012 reachable.",
    ),
)


def read_switches(assignments: Iterable[str]) -> dict[str, str]:
    """Turn `name=value` words into switch settings.

    Raises:
        UnknownSwitch: A word is not of that form, or names no known switch or value.
    """
    settings = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise UnknownSwitch(f"A switch is written name=value, not {assignment!r}.")
        settings[name] = value
    complete_switches(settings)
    return settings


def complete_switches(settings: Mapping[str, str]) -> dict[str, str]:
    """Answer all switches, those not set with their default.

    Raises:
        UnknownSwitch: A name or a value does not exist.
    """
    known = {switch.name: switch for switch in SWITCHES}
    for name, value in settings.items():
        if name not in known:
            raise UnknownSwitch(f"There is no switch {name!r}; there are {', '.join(sorted(known))}.")
        if value not in known[name].choices:
            choices = ", ".join(known[name].choices)
            raise UnknownSwitch(f"Switch {name} cannot be {value!r}; it can be {choices}.")
    return {switch.name: settings.get(switch.name, switch.default) for switch in SWITCHES}
