"""Regions and projects, as the identity service tells them."""

import pytest

from replication.cloud import IamClient, NotFound, Project, Region, SignInFailed, Unreadable
from tests.cloud.raw_server import TOKEN, answer, document

DOMAIN_ID = "d78cbac186b744899480f25bd022f468"


@pytest.fixture
def client(serve_cbr, sign_in_to):
    made = []

    def connect(said):
        server = serve_cbr(lambda _: said)
        made.append(IamClient(sign_in_to(server)))
        return made[-1], server

    yield connect
    for one in made:
        one.close()


def test_projects_are_those_that_can_hold_a_vault_also_disabled_ones(client):
    iam, server = client(answer(200, document("auth_projects")))

    told = iam.projects()

    assert told == (
        Project("4229d7a45436489f8c3dc2b1d35d4987", "eu-de_production", "eu-de", True, DOMAIN_ID),
        Project("68589cac08274b82b4e254268a3862d8", "eu-nl_recovery", "eu-nl", True, DOMAIN_ID),
        Project("7f3b8d2e9c6a4e1f8a0b1c2d3e4f5a6b", "eu-de_retired", "eu-de", False, DOMAIN_ID),
    )
    assert (server.received[-1].path, server.received[-1].query) == ("/v3/auth/projects", ())
    assert server.received[-1].headers["x-auth-token"] == TOKEN


def test_regions_are_listed_by_their_id(client):
    iam, server = client(
        answer(200, {"regions": [{"id": "eu-de", "type": "public"}, {"id": "eu-nl"}], "links": {}})
    )

    assert iam.regions() == (Region("eu-de"), Region("eu-nl"))
    assert server.received[-1].path == "/v3/regions"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"<html>", "is not JSON"),
        (b"[]", "expected an object, got a list"),
        ({}, "projects: missing"),
        ({"projects": None}, "projects: missing"),
        ({"projects": {}}, "projects: expected a list, got an object"),
        ({"projects": ["x"]}, "projects[0]: expected an object, got 'x'"),
        ({"projects": [{"id": "x"}]}, "projects[0].name: missing"),
        ({"projects": [{"name": "eu-de"}]}, "projects[0].id: missing"),
    ],
)
def test_projects_without_what_we_need_are_unreadable_and_name_it(client, body, named):
    iam, _ = client(answer(200, body, {"X-IAM-Trace-Id": "trace-3"}))

    with pytest.raises(Unreadable) as caught:
        iam.projects()

    assert named in caught.value.message
    assert (caught.value.request_id, caught.value.path) == ("trace-3", "/v3/auth/projects")


@pytest.mark.parametrize(
    ("name", "kind"), [("iam_keystone_unauthorized", SignInFailed), ("iam_keystone_not_found", NotFound)]
)
def test_a_refusal_of_the_identity_service_is_told_by_its_kind(client, name, kind):
    case = next(one for one in document("errors")["errors"] if one["name"] == name)
    iam, _ = client(answer(case["http_status"], case["body"]))

    with pytest.raises(kind) as caught:
        iam.regions()

    assert (type(caught.value), caught.value.code) == (kind, "")
    assert case["body"]["error"]["message"] in caught.value.message
