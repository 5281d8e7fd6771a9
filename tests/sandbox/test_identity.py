"""IAM and the gateway: who gets a token, what it opens, and how everything else is refused."""

import pytest
import requests

from replication.sandbox.identity import find_user
from tests.sandbox.visitor import DOMAIN, code_of, sign_in_request

PROJECTS = ("eu-de_production", "eu-de_internal", "eu-nl_recovery", "eu-nl_archive")


def sign_in(visitor, *arguments, query="", **options):
    body = sign_in_request(*arguments, **options)
    return requests.post(f"{visitor.url}/v3/auth/tokens{query}", json=body, timeout=10)


def ask_iam(visitor, path, token=None):
    headers = {} if token is None else {"X-Auth-Token": token}
    return requests.get(f"{visitor.url}/v3/{path}", headers=headers, timeout=10)


def keystone_words(answer):
    return answer.status_code, answer.json()["error"]["message"]


def test_a_token_can_be_scoped_by_project_name(visitor):
    answer = sign_in(visitor, scope={"project": {"name": "eu-nl_recovery", "domain": {"name": DOMAIN}}})

    assert answer.status_code == 201
    assert answer.json()["token"]["project"]["id"] == visitor.world["projects"]["eu-nl_recovery"]["id"]
    assert answer.headers["X-Subject-Token"]


def test_a_scope_with_id_and_name_follows_the_id(visitor):
    answer = sign_in(visitor, scope={"project": {"id": visitor.project_id, "name": "eu-nl_recovery"}})

    assert answer.json()["token"]["project"]["name"] == "eu-de_production"


@pytest.mark.parametrize("scope", [None, {}, {"domain": {"name": DOMAIN}}])
def test_a_token_without_a_project_is_one_of_the_domain_and_knows_no_cbr(visitor, scope):
    answer = sign_in(visitor, scope=scope)

    token = answer.json()["token"]
    assert token["domain"]["name"] == DOMAIN
    assert [service["type"] for service in token["catalog"]] == ["identity"]


def test_the_catalog_is_left_out_on_request(visitor):
    answer = sign_in(visitor, query="?nocatalog=1")

    assert "catalog" not in answer.json()["token"]


def test_the_catalog_lists_both_regions_with_the_tokens_own_project_at_the_host_that_was_asked(visitor):
    catalog = visitor.session.get(f"{visitor.url}/v3/auth/catalog", timeout=10).json()["catalog"]

    addresses = {
        service["type"]: {endpoint["region"]: endpoint["url"] for endpoint in service["endpoints"]}
        for service in catalog
    }
    assert addresses == {
        "identity": {"eu-de": f"{visitor.url}/v3", "eu-nl": f"{visitor.url}/v3"},
        "cbr": {
            "eu-de": f"{visitor.url}/eu-de/v3/{visitor.project_id}",
            "eu-nl": f"{visitor.url}/eu-nl/v3/{visitor.project_id}",
        },
    }


def test_the_catalog_is_refused_to_a_token_of_the_domain(visitor):
    token = sign_in(visitor).headers["X-Subject-Token"]

    answer = ask_iam(visitor, "auth/catalog", token)

    assert keystone_words(answer) == (403, "The token is not scoped to a project.")


def test_any_token_lists_the_projects_with_their_regions_in_their_names(visitor):
    token = sign_in(visitor).headers["X-Subject-Token"]

    projects = ask_iam(visitor, "auth/projects", token).json()["projects"]

    assert {project["name"] for project in projects} == {
        "eu-de_production",
        "eu-de_internal",
        "eu-nl_recovery",
        "eu-nl_archive",
        "MOS",
    }


def test_projects_are_found_by_name(visitor):
    answer = visitor.session.get(f"{visitor.url}/v3/projects?name=eu-de_internal", timeout=10)

    assert [project["id"] for project in answer.json()["projects"]] == [
        visitor.world["projects"]["eu-de_internal"]["id"]
    ]


@pytest.mark.parametrize(
    ("user", "password"), [("replication", "wrong"), ("nobody", "sandbox"), ("replication", None)]
)
def test_a_wrong_name_and_a_wrong_password_are_refused_in_the_same_words(visitor, user, password):
    answer = sign_in(visitor, user, password)

    assert keystone_words(answer) == (401, "The username or password is wrong.")


@pytest.mark.parametrize("name", ["replication", "reader"])
def test_a_user_may_be_named_by_id(visitor, name):
    body = sign_in_request(name)
    body["auth"]["identity"]["password"]["user"] = {"id": find_user(name).id, "password": "sandbox"}

    answer = requests.post(f"{visitor.url}/v3/auth/tokens", json=body, timeout=10)

    assert (answer.status_code, answer.json()["token"]["user"]["name"]) == (201, name)


@pytest.mark.parametrize("domain", [{"name": "OTHER"}, {"id": "0" * 32}])
def test_a_user_of_another_domain_is_unknown(visitor, domain):
    body = sign_in_request()
    body["auth"]["identity"]["password"]["user"]["domain"] = domain

    answer = requests.post(f"{visitor.url}/v3/auth/tokens", json=body, timeout=10)

    assert keystone_words(answer) == (401, "The username or password is wrong.")


def test_another_domain_cannot_be_a_scope(visitor):
    answer = sign_in(visitor, scope={"domain": {"name": "OTHER"}})

    assert keystone_words(answer) == (401, "The domain does not exist or the user is not in it.")


def test_a_locked_user_is_told_so(visitor):
    answer = sign_in(visitor, "locked")

    assert code_of(answer) == (401, "IAM.0061")


@pytest.mark.parametrize(
    "project",
    [{"name": "eu-de_nowhere"}, {"id": "0" * 32}, {"name": "eu-de_production", "domain": {"name": "OTHER"}}],
)
def test_an_unknown_project_is_refused(visitor, project):
    answer = sign_in(visitor, scope={"project": project})

    assert keystone_words(answer) == (401, "The project does not exist or the user has no role in it.")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"auth": 3}',
        b'{"auth": {"identity": {"methods": ["password"]}}}',
        b'{"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "x"}}}}}',
        b'{"auth": {"identity": {"methods": ["password"], "password": {"user": []}}, "scope": 1}}',
    ],
)
def test_a_sign_in_that_is_no_sign_in_is_refused(visitor, body):
    answer = requests.post(f"{visitor.url}/v3/auth/tokens", data=body, timeout=10)

    assert code_of(answer) == (400, "IAM.0011")


def test_other_methods_than_the_password_are_refused(visitor):
    body = {"auth": {"identity": {"methods": ["totp"], "totp": {}}}}

    answer = requests.post(f"{visitor.url}/v3/auth/tokens", json=body, timeout=10)

    assert keystone_words(answer) == (401, "Attempted to authenticate with an unsupported method.")


def test_a_token_ends_after_a_day(visitor):
    visitor.advance(24 * 3600 + 1)

    cbr = visitor.get("vaults")
    iam = visitor.session.get(f"{visitor.url}/v3/auth/projects", timeout=10)

    assert code_of(cbr) == (401, "APIGW.0307")
    assert code_of(iam) == (401, "IAM.0066")


def test_a_token_lives_for_most_of_the_day(visitor):
    visitor.advance(24 * 3600 - 60)

    assert visitor.get("vaults").status_code == 200


def test_a_forged_token_is_refused(visitor):
    visitor.session.headers["X-Auth-Token"] += "0"

    assert code_of(visitor.get("vaults")) == (401, "APIGW.0301")
    assert code_of(visitor.session.get(f"{visitor.url}/v3/auth/projects", timeout=10)) == (401, "IAM.0067")


def test_without_a_token_nothing_is_told(visitor):
    del visitor.session.headers["X-Auth-Token"]

    assert code_of(visitor.get("vaults")) == (401, "APIGW.0301")
    assert keystone_words(ask_iam(visitor, "auth/projects"))[0] == 401


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("401", {"code": 401, "message": "URL's projectId is not equal token's projectId", "details": {}}),
        ("400", {"badRequest": {"message": "URL's projectId is not equal token's projectId", "code": 400}}),
    ],
)
def test_a_token_of_another_project_is_refused_as_the_switch_says(open_cloud, status, words):
    visitor = open_cloud(switches={"wrong_project": status})
    visitor.project_id = visitor.world["projects"]["eu-nl_recovery"]["id"]

    answer = visitor.get("vaults")

    assert (answer.status_code, answer.json()) == (int(status), words)


def test_a_token_of_another_project_may_also_be_refused_by_the_gateway(open_cloud):
    visitor = open_cloud(switches={"wrong_project": "403"})
    visitor.project_id = visitor.world["projects"]["eu-nl_recovery"]["id"]

    assert code_of(visitor.get("vaults")) == (403, "APIGW.0302")


def test_a_project_is_not_found_under_the_other_region(visitor):
    def ask(region):
        path = f"{visitor.url}/{region}/v3/{visitor.project_id}/vaults"
        return visitor.session.get(path, timeout=10).status_code

    assert {region: ask(region) for region in ("eu-de", "eu-nl", "eu-ch2")} == {
        "eu-de": 200,
        "eu-nl": 401,
        "eu-ch2": 404,
    }


def test_a_project_without_a_region_has_no_cbr(visitor):
    projects = visitor.session.get(f"{visitor.url}/v3/auth/projects", timeout=10).json()["projects"]
    visitor.project_id = next(project["id"] for project in projects if project["name"] == "MOS")
    visitor.sign_in()

    assert code_of(visitor.get("vaults")) == (403, "APIGW.0310")


def test_a_reader_may_read_but_neither_replicate_nor_create(sandbox, visit):
    reader = visit(user="reader")
    backup_id = reader.backups("vault-orders-db")[0]["id"]

    answers = [
        reader.replicate(),
        reader.post(f"backups/{backup_id}/replicate", reader.backup_order()),
        reader.post("vaults", {}),
    ]

    assert [code_of(answer) for answer in answers] == [(403, "APIGW.0302")] * 3
    assert reader.accepted() == []


def test_a_token_outlives_a_restart(sandbox, visitor, open_cloud):
    token = visitor.session.headers["X-Auth-Token"]
    other = open_cloud(seed=1)
    other.session.headers["X-Auth-Token"] = token

    assert other.get("vaults").status_code == 200


def test_a_token_of_another_world_is_refused(sandbox, visitor, open_cloud):
    other = open_cloud(seed=2)
    other.session.headers["X-Auth-Token"] = visitor.session.headers["X-Auth-Token"]

    assert code_of(other.get("vaults")) == (401, "APIGW.0301")


def test_visitors_of_all_projects_see_their_own_vaults_only(sandbox, visit):
    seen = {name: {v["project_id"] for v in visit(name).get("vaults").json()["vaults"]} for name in PROJECTS}

    projects = visit().world["projects"]
    assert seen == {name: {projects[name]["id"]} for name in PROJECTS}
