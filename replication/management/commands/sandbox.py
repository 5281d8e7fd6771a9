"""Runs the simulated cloud as a process of its own, for the demo and for practising.

It turns words of the command line into a sandbox and errors into one line; what is simulated it does not know.
"""

import argparse
import math
from pathlib import Path
from typing import Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter

from replication.sandbox import (
    PROFILES,
    SWITCHES,
    PortTaken,
    Profile,
    Sandbox,
    StateUnusable,
    UnknownSwitch,
    read_switches,
    serve,
)

LARGEST_SCALE = 100


class PlainEpilogFormatter(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Django's help, with the lines of the epilog left as they are."""


class Command(BaseCommand):
    """Serves until SIGTERM or SIGINT; needs no database."""

    help = "Run a simulated Open Telekom Cloud (IAM and CBR) on this machine's loopback address."
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs |= {"epilog": describe_switches(), "formatter_class": PlainEpilogFormatter}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        # Values are checked in handle: argparse would print its usage and exit with 2.
        parser.add_argument(
            "--port", default="0", help="where to listen on 127.0.0.1; 0 takes a free port (default)"
        )
        parser.add_argument(
            "--state", type=Path, help="file to remember by; without it everything is forgotten"
        )
        parser.add_argument(
            "--profile",
            default="otc",
            help="whose documentation to follow: otc, or huawei, which alone has replication_records and "
            "extra_info.replication; whether the real otc answers them is an open question too",
        )
        parser.add_argument("--speed", default="1", help="divides every duration; 60 makes a minute a second")
        parser.add_argument(
            "--seed", help="number that decides the world; an existing state file keeps its own"
        )
        parser.add_argument(
            "--scale", help="how many times larger the world is; an existing state file keeps its own"
        )
        parser.add_argument(
            "--switch",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="answer an open question, see below",
        )

    def handle(self, **options: Any) -> None:
        if options["profile"] not in PROFILES:
            raise CommandError(f"--profile must be {' or '.join(PROFILES)}, not {options['profile']}.")
        try:
            sandbox = Sandbox(
                port=read_number("--port", options["port"], 0, 65535) or 0,
                profile=cast("Profile", options["profile"]),
                seed=read_number("--seed", options["seed"], 0, 2**31),
                scale=read_number("--scale", options["scale"], 1, LARGEST_SCALE),
                speed=read_speed(options["speed"]),
                switches=read_switches(options["switch"]),
                state=options["state"],
            )
        except (PortTaken, StateUnusable, UnknownSwitch) as error:
            raise CommandError(str(error)) from error
        serve(sandbox, self.say)

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def describe_switches() -> str:
    lines = ["open questions about the real cloud (the first value is the default):"]
    for switch in SWITCHES:
        lines += [f"  {switch.name}={'|'.join(switch.choices)}", f"      {switch.sentence}"]
    return "\n".join(lines)


def read_number(name: str, text: str | None, smallest: int, largest: int) -> int | None:
    """Read a whole number; nothing where the option was left out.

    Raises:
        CommandError: It is none, or out of range.
    """
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or not smallest <= int(text) <= largest:
        raise CommandError(f"{name} must be a whole number from {smallest} to {largest}, not {text}.")
    return int(text)


def read_speed(text: str) -> float:
    """Read a factor.

    Raises:
        CommandError: It is no positive number.
    """
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < math.inf:
        raise CommandError(f"--speed must be a number above 0, not {text}.")
    return speed
