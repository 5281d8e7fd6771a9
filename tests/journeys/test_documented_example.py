"""The example of the API reference, from the form over the wire to the page, exactly as it stands there."""

import json
import uuid
from contextlib import closing

import pytest
import yaml
from django.urls import reverse
from django.utils import timezone

from replication.models import Replication
from replication.services import connection, rounds
from tests.builders import a_backup, a_project, a_region, a_replication_vault, a_vault
from tests.cloud.raw_server import RawServer, answer, document, token_answer

REQUEST = document("replicate_request")
ANSWER = document("replicate_answer")
#: The reference's address names another project than its answer; the token's project is what is sent and compared.
PROJECT_ID = ANSWER["replication"]["project_id"]


@pytest.fixture
def cloud(tmp_path, monkeypatch, settings):
    """A server that answers the reference's example, and an entry of clouds.yaml that leads to it."""

    def respond(request):
        if request.path == "/v3":
            return answer(404)
        if request.path == "/v3/auth/tokens":
            return token_answer()
        if request.path == f"/v3/{PROJECT_ID}/checkpoints/replicate":
            return answer(200, ANSWER, {"X-Request-Id": "request-of-the-cloud"})
        if request.path.endswith("/operation-logs"):
            return answer(200, {"operation_logs": [], "count": 0})
        return answer(200, {"backups": [], "count": 0})

    with closing(RawServer(respond)) as server:
        entry = {
            "auth": {
                "auth_url": f"{server.url}/v3",
                "username": "replication",
                "password": "secret",
                "user_domain_name": "OTC00000000001000000000",
                "project_id": PROJECT_ID,
            },
            "region_name": "region1",
            "cbr_endpoint_override": server.url,
        }
        path = tmp_path / "clouds.yaml"
        path.write_text(yaml.safe_dump({"clouds": {"source": entry}}))
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
        settings.REPLICATION_CLOUDS = ["source"]
        connection.forget()
        yield server
    connection.forget()


@pytest.fixture
def vaults(db):
    a_region("region2", replicates_to=())
    source = a_vault(
        project=a_project(
            "region1_source",
            region=a_region("region1", replicates_to=("region2",)),
            cloud="source",
            project_id=PROJECT_ID,
        ),
        vault_id=REQUEST["replicate"]["vault_id"],
    )
    for one in ANSWER["replication"]["backups"]:
        a_backup(vault=source, backup_id=one["backup_id"], name=f"autobk_{one['backup_id'][:4]}")
    destination = a_replication_vault(
        project=a_project(
            "region2_target",
            region=a_region("region2", replicates_to=()),
            cloud="",
            project_id=REQUEST["replicate"]["destination_project_id"],
        ),
        vault_id=REQUEST["replicate"]["destination_vault_id"],
    )
    return source, destination


def test_it_goes_through_form_service_wire_and_page(client, oskar, cloud, vaults):
    source, _destination = vaults
    order = REQUEST["replicate"]
    client.force_login(oskar)

    confirmed = client.post(
        f"{reverse('replication-review')}?key={uuid.uuid4()}&vault={source.pk}"
        f"&typed_region={order['destination_region']}&typed_project_id={order['destination_project_id']}"
        f"&typed_vault_id={order['destination_vault_id']}",
        {"reason": "As the reference has it"},
    )
    rounds.make_round(worker_id="worker-1", clock=timezone.now)

    replication = Replication.objects.get()
    page = client.get(confirmed["Location"]).content.decode()
    [post] = [one for one in cloud.received if one.path.endswith("/checkpoints/replicate")]
    assert (confirmed.status_code, json.loads(post.body)) == (303, REQUEST)
    assert (replication.status, replication.response, replication.cloud_request_id) == (
        "running",
        ANSWER,
        "request-of-the-cloud",
    )
    assert replication.provider_id == ANSWER["replication"]["provider_id"]
    assert sorted(replication.records.values_list("backup_id", "replication_record_id")) == sorted(
        (one["backup_id"], one["replication_record_id"]) for one in ANSWER["replication"]["backups"]
    )
    assert [
        value
        for one in ANSWER["replication"]["backups"]
        for value in one.values()
        if f'data-copy="{value}"' not in page
    ] == []
