"""The same action as a command: complete, quoted for the shell, and without any secret."""

import json
import shlex
import subprocess

import pytest

from replication.cloud import ReplicateOrder
from replication.services import equivalents
from tests.builders import a_project, a_replication, a_replication_vault, a_vault

ORDER = ReplicateOrder(
    vault_id="3b58a5cb-0000-4000-8000-000000000001",
    destination_region="eu-nl",
    destination_project_id="68584e7fa1a04d5bb8e4e4a4c8f5e0f1",
    destination_vault_id="0ca3a5cb-0000-4000-8000-000000000002",
)


def command():
    [found] = equivalents.replicate_vault(source_region="eu-de", source_project_id="4229d7a4", order=ORDER)
    return found


def test_command_is_the_documented_call_with_every_id_filled_in(settings):
    settings.REPLICATION_CLOUDS = ["production"]

    words = shlex.split(command().text.replace("\\\n", " "))

    assert words[:-1] == [
        *("curl", "-X", "POST"),
        "https://cbr.eu-de.otc.t-systems.com/v3/4229d7a4/checkpoints/replicate",
        *("-H", "X-Auth-Token: $OS_TOKEN"),
        *("-H", "Content-Type: application/json"),
        "-d",
    ]
    assert json.loads(words[-1]) == ORDER.to_json()


def test_command_leads_to_the_sandbox_where_that_is_the_cloud(settings):
    settings.SANDBOX_URL = "http://127.0.0.1:8900"

    assert " http://127.0.0.1:8900/v3/4229d7a4/checkpoints/replicate " in command().text


@pytest.mark.parametrize("nasty", ["'; rm -rf / #", "$(id)", "`id`", '"', "\\", "a\nb"])
def test_whatever_stands_in_an_id_stays_one_word_of_the_shell(nasty):
    found = equivalents.curl("POST", f"http://127.0.0.1/{nasty}", {"replicate": {"vault_id": nasty}})

    words = shlex.split(found.text.replace(" \\\n  ", " "))

    assert words[3] == f"http://127.0.0.1/{nasty}"
    assert json.loads(words[-1]) == {"replicate": {"vault_id": nasty}}


def test_command_without_a_body_sends_none():
    assert equivalents.curl("GET", "http://127.0.0.1/v3/p/vaults").text == (
        'curl -X GET http://127.0.0.1/v3/p/vaults \\\n  -H "X-Auth-Token: $OS_TOKEN"'
    )


def run_in_a_shell(text):
    """Run a command in a real shell in which curl only tells its arguments, one a line."""
    telling = 'curl() { for word in "$@"; do printf "%s\\0" "$word"; done; printf "\\n\\0"; }\n'
    done = subprocess.run(
        ["sh", "-euc", telling + text], capture_output=True, check=True, text=True, env={"OS_TOKEN": "t"}
    )
    return [call.split("\0")[:-1] for call in done.stdout.split("\n\0")[:-1]]


def test_batch_is_a_loop_over_the_vaults_of_each_source_project(db, settings):
    settings.SANDBOX_URL = "http://127.0.0.1:8900"
    destination = a_replication_vault()
    sources = [a_vault(name=f"vault-{number}") for number in range(3)]
    sources.append(a_vault(name="elsewhere", project=a_project("eu-de_internal", cloud="internal")))
    replications = [a_replication(source=source, destination=destination) for source in sources]

    [found] = equivalents.replicate_batch(replications)
    calls = run_in_a_shell(found.text)

    assert [(call[2], json.loads(call[-1])["replicate"]) for call in calls] == [
        (
            f"http://127.0.0.1:8900/v3/{one.source_project_id}/checkpoints/replicate",
            {
                **json.loads(calls[0][-1])["replicate"],
                "vault_id": one.vault_id,
                "destination_vault_id": destination.vault_id,
            },
        )
        for one in replications
    ]
    assert {call[4] for call in calls} == {"X-Auth-Token: t"}
    assert found.text.count("for vault_id in") == 2


@pytest.mark.parametrize("nasty", ["'; exit 9 #", "$(exit 9)", "`exit 9`", '"', "\\", "a b"])
def test_whatever_stands_in_an_id_of_a_batch_stays_an_id(db, nasty):
    one = a_replication(source=a_vault(vault_id=nasty))
    one.destination_project_id = nasty

    [found] = equivalents.replicate_batch([one])
    [call] = run_in_a_shell(found.text)

    sent = json.loads(call[-1])["replicate"]
    assert (sent["vault_id"], sent["destination_project_id"]) == (nasty, nasty)


def test_batch_of_nothing_has_no_command():
    assert equivalents.replicate_batch([]) == ()
