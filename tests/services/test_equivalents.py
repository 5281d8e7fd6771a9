"""The same action as a command: complete, quoted for the shell, and without any secret."""

import json
import shlex

import pytest

from replication.cloud import ReplicateOrder
from replication.services import equivalents

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
