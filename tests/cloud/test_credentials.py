"""Entries of clouds.yaml and OS_* variables become one project's token in memory, read as openstacksdk reads them."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml

from replication.cloud import Credentials, Misconfigured, cloud_from_options, read_cloud
from replication.cloud.transport import ReadTransport, send_once
from tests.cloud.raw_server import PROJECT_ID, answer, token_answer

ROOT = Path(__file__).resolve().parent.parent.parent
PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in [*os.environ]:
        if name.startswith("OS_"):
            monkeypatch.delenv(name)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a file of clouds where openstacksdk looks for it."""

    def write(content, *, name="clouds.yaml", variable="OS_CLIENT_CONFIG_FILE"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
        monkeypatch.setenv(variable, str(path))
        return path

    return write


@pytest.fixture
def identity(serve_cbr):
    return serve_cbr(lambda _: answer(404))


def auth(server=None, **changes):
    return {
        "auth_url": f"{server.url}/v3" if server else "https://iam.example/v3",
        "username": "replication",
        "password": PASSWORD,
        "user_domain_name": "OTC-EU-DE-00000000001000042",
        "project_name": "eu-de_production",
        "project_domain_name": "OTC-EU-DE-00000000001000042",
        **changes,
    }


def without(options, *names):
    return {name: value for name, value in options.items() if name not in names}


def clouds(**entry):
    return {"clouds": {"production": {"region_name": "eu-de", **entry}}}


def signs_in(server):
    """Return with what each sign-in asked for a token."""
    return [request.document for request in server.received if request.method == "POST"]


DOMAIN = {"name": "OTC-EU-DE-00000000001000042"}
EXPECTED = {
    "auth": {
        "identity": {
            "methods": ["password"],
            "password": {"user": {"name": "replication", "password": PASSWORD, "domain": DOMAIN}},
        },
        "scope": {"project": {"name": "eu-de_production", "domain": DOMAIN}},
    }
}


def test_an_entry_signs_in_as_the_api_documents_it(write, identity):
    write(clouds(auth=auth(identity), cbr_endpoint_override=identity.url))

    credentials = read_cloud("production")

    assert identity.received == []
    access = credentials.access()
    assert (access.project_id, access.project_name) == (PROJECT_ID, "eu-de_production")
    assert (credentials.name, credentials.region, credentials.verify) == ("production", "eu-de", True)
    assert credentials.cbr_endpoint() == f"{identity.url}/v3/{PROJECT_ID}"
    assert credentials.identity_endpoint() == f"{identity.url}/v3"
    assert signs_in(identity) == [EXPECTED]


def split(server, write, monkeypatch):
    write(clouds(auth=without(auth(server), "password")))
    write(
        {"clouds": {"production": {"auth": {"password": PASSWORD}}}},
        name="secure.yaml",
        variable="OS_CLIENT_SECURE_FILE",
    )


def beside_auth(server, write, monkeypatch):
    write(clouds(**auth(server)))


def with_hyphens(server, write, monkeypatch):
    options = {name.replace("_", "-"): value for name, value in auth(server).items()}
    write({"clouds": {"production": {"region-name": "eu-de", "auth": options}}})


def as_tenant(server, write, monkeypatch):
    options = auth(server)
    options["tenant_name"] = options.pop("project_name")
    write(clouds(auth=options))


def as_json(server, write, monkeypatch):
    write(json.dumps(clouds(auth=auth(server)), indent="\t"), name="clouds.json")


def regions_of_one(server, write, monkeypatch):
    write({"clouds": {"production": {"auth": auth(server), "regions": ["eu-de"]}}})


def region_in_auth_url(server, write, monkeypatch):
    write(
        clouds(
            auth=auth(server, auth_url=f"{server.url}/{{identity_api_version}}").copy(),
            identity_api_version="v3",
        )
    )


def version_3_only(server, write, monkeypatch):
    write(clouds(auth=auth(server), auth_type="v3password"))


def variables(server, write, monkeypatch):
    for name, value in {**auth(server), "region_name": "eu-de", "cloud_name": "production"}.items():
        monkeypatch.setenv(f"OS_{name.upper()}", value)


@pytest.mark.parametrize(
    "prepare",
    [
        split,
        beside_auth,
        with_hyphens,
        as_tenant,
        as_json,
        regions_of_one,
        region_in_auth_url,
        version_3_only,
        variables,
    ],
    ids=lambda prepare: prepare.__name__,
)
def test_every_form_that_openstacksdk_reads_signs_in_the_same_way(prepare, identity, write, monkeypatch):
    prepare(identity, write, monkeypatch)

    credentials = read_cloud("production")
    credentials.access()

    assert credentials.region == "eu-de"
    assert signs_in(identity) == [EXPECTED]


def test_variables_alone_are_the_entry_envvars_beside_those_of_the_file(identity, write, monkeypatch):
    write(clouds(auth=auth(auth_url="https://iam.example/v3")))
    for name, value in {**auth(identity), "region_name": "eu-nl"}.items():
        monkeypatch.setenv(f"OS_{name.upper()}", value)
    monkeypatch.setenv("OS_CBR_ENDPOINT_OVERRIDE", f"{identity.url}/v3/%(project_id)s")

    credentials = read_cloud("envvars")

    assert credentials.cbr_endpoint() == f"{identity.url}/v3/{PROJECT_ID}"
    assert credentials.region == "eu-nl"
    assert signs_in(identity) == [EXPECTED]
    assert read_cloud("production").identity_endpoint() == "https://iam.example/v3"


@pytest.mark.parametrize("region", ["eu-de", "eu-nl"])
def test_the_profile_of_the_cloud_knows_where_to_sign_in(write, region):
    write(clouds(profile="otc", auth=without(auth(), "auth_url"), region_name=region))

    credentials = read_cloud("production")

    assert credentials.identity_endpoint() == f"https://iam.{region}.otc.t-systems.com/v3"


def test_an_application_credential_needs_no_project(write, identity):
    secret = {"application_credential_id": "a1", "application_credential_secret": PASSWORD}
    write(clouds(auth_type="v3applicationcredential", auth={"auth_url": f"{identity.url}/v3", **secret}))

    read_cloud("production").access()

    assert signs_in(identity) == [
        {
            "auth": {
                "identity": {
                    "methods": ["application_credential"],
                    "application_credential": {"id": "a1", "secret": PASSWORD},
                }
            }
        }
    ]


@pytest.mark.parametrize("placeholder", ["%(project_id)s", "{project_id}", "${tenant_id}"])
def test_a_placeholder_in_the_override_becomes_the_project(write, identity, placeholder):
    write(clouds(auth=auth(identity), cbr_endpoint_override=f"{identity.url}/v3/{placeholder}"))

    assert read_cloud("production").cbr_endpoint() == f"{identity.url}/v3/{PROJECT_ID}"


def test_the_override_of_a_region_counts_before_that_of_its_entry(write, identity):
    region = {"name": "eu-de", "values": {"cbr_endpoint_override": f"{identity.url}/region"}}
    entry = {"auth": auth(identity), "regions": [region], "cbr-endpoint-override": f"{identity.url}/entry"}
    write({"clouds": {"production": entry}})

    assert read_cloud("production").cbr_endpoint() == f"{identity.url}/region/v3/{PROJECT_ID}"


def test_the_authority_of_an_entry_is_a_file_that_is_there(write, certificate):
    for key in ("cacert", "verify"):
        write(clouds(auth=auth(), **{key: str(certificate)}))

        assert read_cloud("production").verify == str(certificate)


NO_REGION = {"clouds": {"production": {"auth": auth()}}}
UNUSABLE = [
    ({}, "There is no entry 'production'. Known are: none"),
    ("", "There is no entry 'production'. Known are: none"),
    ("- clouds", "not a valid mapping"),
    ("clouds:", "cannot be read (TypeError)"),
    ("clouds: {production: }", "is empty. Write auth and region_name under it"),
    ("clouds: {production: words}", "is empty. Write auth and region_name under it"),
    (
        {"clouds": {"other": {}, "third": {}}},
        "There is no entry 'production'. Known are: other, third (from ",
    ),
    (clouds(), "auth_url"),
    (clouds(auth=None), "cannot be read (TypeError)"),
    (clouds(auth=["x"]), "cannot be read (ValueError)"),
    (clouds(auth=without(auth(), "auth_url")), "auth_url"),
    (clouds(auth=without(auth(), "username")), "has no username"),
    (clouds(auth=without(auth(), "password")), "has no password"),
    (clouds(auth=without(auth(), "project_name")), "has no project"),
    (clouds(auth=auth(unheard_of="x"), auth_type="password"), "cannot be read (TypeError)"),
    (clouds(auth=auth(), auth_type="unheard-of"), "cannot sign in: The plugin unheard-of could not be found"),
    (
        clouds(auth=without(auth(), "user_domain_name"), auth_type="v3password"),
        "cannot sign in: You have provided",
    ),
    (
        clouds(
            auth={"auth_url": "https://i", "endpoint": "https://e", "project_name": "p"}, auth_type="none"
        ),
        "read",
    ),
    (clouds(auth=auth(auth_url="https://{nobody}/v3")), "cannot be read (KeyError)"),
    (clouds(auth=auth(auth_url="iam.example")), "auth_url of the entry 'production' is not an address"),
    (clouds(auth=auth(auth_url="https://u:hidden@iam.example")), "is not an address"),
    (clouds(profile="unheard-of", auth=auth()), "names a profile that openstacksdk does not know"),
    (clouds(profile="otc", auth=auth(), region_name="eu de"), "is not a region"),
    (NO_REGION, "has no region. Set region_name"),
    (clouds(auth=auth(), region_name="eu-de,eu-nl"), "lists several regions (eu-de, eu-nl)"),
    ({"clouds": {"production": {"profile": "otc", "auth": auth()}}}, "lists several regions (eu-de, eu-nl)"),
    (
        clouds(auth=auth(), cacert="/nowhere/ca.pem"),
        "names /nowhere/ca.pem as cacert, and there is no such file",
    ),
    ("clouds: {production: {auth: {password: hidden, x: [}}}", "is not YAML: line 1, column 52"),
    ("clouds: \x01hidden", "cannot be understood"),
]


@pytest.mark.parametrize(("content", "named"), UNUSABLE, ids=[named for _, named in UNUSABLE])
def test_an_entry_that_cannot_be_used_says_what_to_do_and_no_secret(write, content, named):
    write(content)

    with pytest.raises(Misconfigured) as caught:
        read_cloud("production")

    assert named in caught.value.message
    assert (PASSWORD in repr(caught.value), "hidden" in repr(caught.value)) == (False, False)


def test_broken_json_is_told_by_its_place(write):
    write('{"clouds": {"production": hidden}}', name="clouds.json")

    with pytest.raises(Misconfigured, match=r"clouds\.json is not JSON: line 1, column 27 cannot") as caught:
        read_cloud("production")

    assert "hidden" not in caught.value.message


@pytest.mark.parametrize("name", ["/nowhere/clouds.yaml", "/tmp", "x" * 5000, "a/" * 3000])
def test_a_named_file_that_is_not_there_is_not_passed_over(monkeypatch, name):
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", name)

    with pytest.raises(Misconfigured, match=r"OS_CLIENT_CONFIG_FILE names .*, and there is no such file"):
        read_cloud("production")


def test_a_file_that_openstacksdk_would_pass_over_is_refused(write, tmp_path, monkeypatch):
    write(clouds(auth=auth()))
    monkeypatch.setenv("OS_CLIENT_SECURE_FILE", str(tmp_path))

    with pytest.raises(Misconfigured, match=r"cannot be read \(Is a directory\)"):
        read_cloud("production")


@pytest.mark.parametrize("name", ["/nowhere/secure.yaml", "x" * 5000])
def test_a_place_where_nothing_can_be_seen_is_passed_over_as_openstacksdk_does(write, monkeypatch, name):
    write(clouds(auth=auth()))
    monkeypatch.setenv("OS_CLIENT_SECURE_FILE", name)

    assert read_cloud("production").name == "production"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"unheard_of": 1}, "has an option under auth that is not one"),
        ({"password": ""}, "has no password"),
        ({"auth_url": ""}, "has no auth_url"),
    ],
)
def test_options_that_cannot_be_used_are_refused(changes, named):
    with pytest.raises(Misconfigured, match=named):
        cloud_from_options("here", auth=auth(**changes), region="eu-de")


SWITCHES = [
    {"verify": False},
    {"verify": "false"},
    {"verify": "no"},
    {"verify": 0},
    {"insecure": True},
    {"insecure": "true"},
    {"insecure": 1},
    {"auth": auth(verify=False)},
    {"auth": auth(insecure=True)},
    {"regions": [{"name": "eu-de", "values": {"verify": False}}]},
    {"regions": [{"name": "eu-de", "values": {"insecure": "true"}}]},
]


@pytest.mark.parametrize("switch", SWITCHES, ids=str)
def test_no_entry_switches_off_the_verification_of_certificates(write, switch):
    write(clouds(**({"auth": auth()} | switch)))

    with pytest.raises(Misconfigured):
        read_cloud("production")


@pytest.mark.parametrize(
    ("name", "value"), [("OS_INSECURE", "true"), ("OS_VERIFY", "false"), ("OS_VERIFY", "0")]
)
def test_no_variable_switches_off_the_verification_of_certificates(monkeypatch, name, value):
    for option, text in {**auth(), "region_name": "eu-de", name.removeprefix("OS_"): value}.items():
        monkeypatch.setenv(f"OS_{option.upper()}", text)

    with pytest.raises(Misconfigured):
        read_cloud("envvars")


ENVIRONMENT = [
    {},
    {"PYTHONHTTPSVERIFY": "0"},
    {"REQUESTS_CA_BUNDLE": ""},
    {"CURL_CA_BUNDLE": ""},
    {
        "REQUESTS_CA_BUNDLE": "{certificate}",
        "CURL_CA_BUNDLE": "{certificate}",
        "SSL_CERT_FILE": "{certificate}",
    },
    {"OS_INSECURE": "true", "OS_CACERT": "{certificate}"},
]
TRY_ALL_THREE = """
import sys
from replication.cloud import CbrClient, CloudError, ReplicateOrder, cloud_from_options
from replication.cloud.transport import ReadTransport, send_once
url = sys.argv[1]
auth = dict(auth_url=url + "/v3", username="u", password="p", user_domain_name="d", project_name="p")
credentials = cloud_from_options("here", auth=auth, region="eu-de")
class SignedIn:
    region, verify = "eu-de", True
    def access(self):
        class access: token = "t"
        return access
for attempt in (
    credentials.access,
    lambda: ReadTransport(SignedIn(), sleep=lambda _: None).get(url + "/v3/p/vaults"),
    lambda: send_once(url + "/v3/p/checkpoints/replicate", token="t", document={}),
):
    try:
        print(attempt())
    except CloudError as error:
        print(type(error).__name__, "is not trusted" in error.message)
"""


@pytest.mark.parametrize("variables", ENVIRONMENT, ids=lambda variables: " ".join(variables) or "none")
def test_no_environment_makes_an_unknown_certificate_good(serve, tls, certificate, variables):
    server = serve(lambda _: answer(200, b"{}"), tls=tls)
    environment = {name: value.format(certificate=certificate) for name, value in variables.items()}

    told = subprocess.run(
        [sys.executable, "-c", TRY_ALL_THREE, server.url.replace("http:", "https:")],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert told.stdout.splitlines() == ["Misconfigured True"] * 3
    assert server.received == []


PROXIES = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]


@pytest.mark.parametrize("name", PROXIES)
def test_no_proxy_of_the_environment_is_used_for_signing_in_reading_or_sending(
    serve, serve_cbr, sign_in_to, monkeypatch, name
):
    proxy = serve(lambda _: answer(200, b"{}"))
    server = serve_cbr(lambda _: answer(200, b"{}"))
    monkeypatch.setenv(name, proxy.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    credentials = sign_in_to(server)
    transport = ReadTransport(credentials)

    transport.get(f"{server.url}/v3/p/vaults")
    send_once(f"{server.url}/v3/p/checkpoints/replicate", token=credentials.access().token, document={})

    transport.close()
    assert (proxy.connections, [request.path for request in server.received][1:]) == (
        0,
        ["/v3/auth/tokens", "/v3/p/vaults", "/v3/p/checkpoints/replicate"],
    )


class Clock:
    seconds = 1000.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def ticking(serve):
    """Serve a new token at each sign-in, of a given life; return the credentials, their clock and the server."""

    def start(**life):
        tokens = iter(["first", "second", "third"])
        server = serve(
            lambda request: answer(404) if request.path == "/v3" else token_answer(next(tokens), **life)
        )
        made = cloud_from_options("here", auth=auth(server), region="eu-de")
        clock = Clock()
        made._clock = clock
        return made, clock, server

    return start


#: The documented token lives a day; a tenth of a short life is left, and ten minutes of a long one.
DAY, HOUR = 86_400, 3_600


@pytest.mark.parametrize(
    ("life", "kept_until"),
    [
        ({}, DAY - 600),
        ({"expires_at": "2024-05-14T10:29:00.512000Z"}, HOUR - 360),
        ({"expires_at": "2024-05-14T09:29:01Z"}, 270),
        ({"expires_at": "2020-05-14T09:29:01Z"}, 270),
    ],
    ids=["a day", "an hour", "half a second", "ended long ago"],
)
def test_a_token_is_kept_in_memory_and_renewed_before_it_ends(ticking, life, kept_until):
    credentials, clock, server = ticking(**life)

    told = [credentials.access().token]
    for moment in (1, kept_until - 1, kept_until + 1, kept_until + 2):
        clock.seconds = 1000.0 + moment
        told.append(credentials.access().token)

    assert told == ["first", "first", "first", "second", "second"]
    assert len(signs_in(server)) == 2


def test_a_refused_token_is_forgotten_and_one_renewed_meanwhile_is_kept(ticking):
    credentials, _, _ = ticking()
    refused = credentials.access().token

    credentials.forget(refused)
    renewed = credentials.access().token
    credentials.forget(refused)

    assert (refused, renewed, credentials.access().token) == ("first", "second", "second")


def test_threads_share_one_sign_in(ticking):
    credentials, _, server = ticking()
    together = threading.Barrier(8)
    told = []

    def ask():
        together.wait()
        told.append(credentials.access().token)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (told, len(signs_in(server))) == (["first"] * 8, 1)


def test_nothing_that_is_shown_of_credentials_holds_a_secret(ticking):
    credentials, _, _ = ticking()
    access = credentials.access()

    shown = f"{credentials!r} {access!r} {credentials._held!r}"

    assert repr(credentials) == "Credentials('here', region='eu-de')"
    assert ("first" in shown, PASSWORD in shown) == (False, False)


def test_a_token_is_written_nowhere_even_where_openstacksdk_would_keep_it(
    write, identity, monkeypatch, tmp_path
):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    write({"cache": {"auth": True, "class": "dogpile.cache.dbm"}, **clouds(auth=auth(identity))})

    credentials = read_cloud("production")
    credentials.access()

    assert isinstance(credentials, Credentials)
    assert [
        path.name
        for path in [*home.rglob("*"), *tmp_path.iterdir()]
        if path.name not in {"home", "clouds.yaml"}
    ] == []
