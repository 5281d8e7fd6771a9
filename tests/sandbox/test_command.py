"""`manage.py sandbox` as a process: its one line, its end, and its refusals."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from django.core.management import CommandError, call_command

from replication.sandbox import SWITCHES, PortTaken, Sandbox, serve
from tests.sandbox.visitor import Visitor

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def running(*arguments):
    command = [sys.executable, "manage.py", "sandbox", *arguments]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def visiting(process):
    """Sign in to a sandbox that runs as a process of its own."""
    address = SimpleNamespace(url=process.stdout.readline().split()[-1])
    return contextlib.closing(Visitor(address))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_says_where_it_listens_and_ends_cleanly(tmp_path, number):
    with running(
        "--state", str(tmp_path / "state"), "--profile", "huawei", "--switch", "request_id=same"
    ) as process:
        line = process.stdout.readline()
        url = re.fullmatch(r"Sandbox cloud \(profile huawei\) on (http://127\.0\.0\.1:\d+)\n", line)[1]
        world = requests.get(f"{url}/_sandbox/world", timeout=10).json()
        process.send_signal(number)

        assert (process.wait(timeout=20), process.stdout.read()) == (0, "")
        assert (world["profile"], world["switches"]["request_id"]) == ("huawei", "same")


@pytest.mark.slow
def test_a_killed_sandbox_has_kept_what_it_accepted(tmp_path):
    state = str(tmp_path / "state")
    with running("--state", state) as process, visiting(process) as visitor:
        records = visitor.replicate().json()["replication"]["backups"]
        visitor.advance(5)
        visitor.control("DELETE", f"vaults/{visitor.vault_id('vault-erp')}")
        process.kill()
        process.wait(timeout=20)

    with running("--state", state) as process, visiting(process) as visitor:
        (accepted,) = visitor.accepted()
        assert accepted["answer"]["replication"]["backups"] == records
        assert len(visitor.replication_logs()) == len(records)
        assert "vault-erp" not in visitor.world["vaults"]


@pytest.mark.slow
def test_a_sandbox_killed_amid_many_calls_has_kept_all_that_it_answered(tmp_path):
    state = str(tmp_path / "state")
    answered = []
    with running("--state", state) as process, visiting(process) as visitor:
        order = {"project": "eu-de_production", "number": 400}
        vaults = visitor.control("POST", "vaults", order).json()["vaults"]

        def replicate(vault):
            with contextlib.suppress(requests.ConnectionError):
                answered.append(visitor.replicate(vault_id=vault["id"]).json()["replication"])
            if len(answered) >= 100:
                process.kill()

        with ThreadPoolExecutor(20) as clients:
            list(clients.map(replicate, vaults))
        process.wait(timeout=20)

    with running("--state", state) as process, visiting(process) as visitor:
        kept = [call["answer"]["replication"] for call in visitor.accepted()]
    assert 100 <= len(answered) < 400
    assert [answer for answer in answered if answer not in kept] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serving_says_what_was_not_used_and_hands_the_signals_back(tmp_path, number):
    with Sandbox(state=tmp_path / "state", seed=3):
        pass
    former = [signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)]
    said = []

    def say(line):
        said.append(line)
        if line.startswith("Sandbox cloud"):
            signal.raise_signal(number)

    sandbox = Sandbox(state=tmp_path / "state", seed=4)
    serve(sandbox, say)

    assert said == [
        "The state file holds a world of seed 3; --seed 4 is not used. Delete the file to start over.",
        f"Sandbox cloud (profile otc) on {sandbox.url}",
    ]
    assert [signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)] == former
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{sandbox.url}/v3", timeout=10)


@pytest.mark.slow
def test_a_refusal_is_one_line_and_exit_code_one(tmp_path):
    command = [sys.executable, "manage.py", "sandbox", "--profile", "azure"]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}

    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "CommandError: --profile must be otc or huawei, not azure.\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "x"], "--port must be a whole number from 0 to 65535, not x."),
        (["--port", "65536"], "--port must be a whole number"),
        (["--speed", "0"], "--speed must be a number above 0, not 0."),
        (["--speed", "-1"], "--speed must be a number above 0"),
        (["--speed", "inf"], "--speed must be a number above 0"),
        (["--speed", "nan"], "--speed must be a number above 0"),
        (["--speed", "fast"], "--speed must be a number above 0"),
        (["--seed", "-3"], "--seed must be a whole number"),
        (["--scale", "0"], "--scale must be a whole number from 1"),
        (["--switch", "request_id"], "A switch is written name=value"),
        (["--switch", "colour=red"], "There is no switch 'colour'; there are all_replicated"),
        (["--switch", "request_id=maybe"], "Switch request_id cannot be 'maybe'; it can be different, same."),
        (["--state", str(ROOT)], "Name a file that can be written."),
        (["--state", str(ROOT / "manage.py")], "is no state file of this sandbox"),
    ],
)
def test_what_cannot_be_is_said_with_what_can(arguments, words):
    with pytest.raises(CommandError, match=re.escape(words)):
        call_command("sandbox", *arguments)


def test_a_taken_port_is_said(sandbox):
    with pytest.raises(CommandError, match=f"Cannot listen on port {sandbox.port}"):
        call_command("sandbox", "--port", str(sandbox.port))


def test_help_lists_every_switch_with_its_sentence(capsys):
    with pytest.raises(SystemExit):
        call_command("sandbox", "--help")

    text = capsys.readouterr().out
    missing = [
        switch.name
        for switch in SWITCHES
        if f"{switch.name}={switch.default}" not in text or switch.sentence not in text
    ]
    assert missing == []


def test_a_sandbox_that_could_not_start_lets_go_of_its_state(tmp_path, sandbox):
    with contextlib.suppress(PortTaken):
        Sandbox(port=sandbox.port, state=tmp_path / "state")

    with Sandbox(state=tmp_path / "state") as second:
        assert second.notes == []
