"""The proof under faults, in short: the design holds on both databases, and without one of its rules it does not."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from bench.surroundings import postgres_server

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def run(*arguments):
    """Run the command; return its exit code and the figures of its line."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.faults", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    [line] = done.stdout.splitlines() or [done.stderr]
    return (
        done.returncode,
        {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", line)},
        done.stderr,
    )


@pytest.fixture
def database(request):
    if request.param == "postgres":
        try:
            psycopg.connect(f"{postgres_server()}/postgres", connect_timeout=3).close()
        except psycopg.OperationalError as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"no PostgreSQL that lets us make databases: {error}")
    return request.param


@pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
def test_nothing_is_lost_doubled_or_wrong_while_everything_fails(database):
    code, figures, errors = run("--triggers", "500", "--kills", "20", "--seed", "11", "--database", database)

    verdict = {
        name: figures.get(name) for name in ("triggers", "kills", "lost", "doubled", "wrong", "unconfirmed")
    }
    assert (code, verdict, errors) == (
        0,
        {"triggers": 500, "kills": 20, "lost": 0, "doubled": 0, "wrong": 0, "unconfirmed": 0},
        "",
    )
    assert figures["faults"] >= 0.3 * figures["calls"]
    assert figures["freezes"] >= 1


@pytest.mark.parametrize("rule", ["conditional-claim", "no-redirect", "no-retry", "settle-window"])
def test_without_one_of_its_rules_it_loses_or_doubles(rule):
    # Processes race, so that what one run does not show the next one does.
    seen = []
    for seed in ("3", "4", "5", "6"):
        code, figures, _errors = run(
            "--triggers", "400", "--kills", "5", "--freezes", "0", "--seed", seed, "--without", rule
        )
        seen.append((code, figures["lost"] + figures["doubled"] > 0))
        if seen[-1] == (1, True):
            break

    assert seen[-1] == (1, True)
