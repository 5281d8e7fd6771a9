"""The endpoint of the backup service: the entry's own word first, then the catalog's, then the pattern."""

import pytest

from replication.cloud import Misconfigured
from replication.cloud.endpoints import cbr_endpoint, check_address, check_region, identity_endpoint
from tests.cloud.raw_server import PROJECT_ID, document

CATALOG = document("auth_catalog")["catalog"]
OTHER_PROJECT = "68589cac08274b82b4e254268a3862d8"


def endpoint(**given):
    asked = {
        "region": "eu-de",
        "project_id": PROJECT_ID,
        "override": None,
        "catalog": CATALOG,
        "auth_url": "https://iam.eu-de.otc.t-systems.com/v3",
    }
    return cbr_endpoint(**(asked | given))


def offering(*endpoints, type_="cbr"):
    return [{"type": type_, "endpoints": list(endpoints)}]


def public(region, url, **more):
    return {"interface": "public", "region_id": region, "url": url, **more}


def test_the_override_of_the_entry_counts_before_the_catalog():
    assert endpoint(override="https://cbr.example/v3") == f"https://cbr.example/v3/{PROJECT_ID}"


@pytest.mark.parametrize("region", ["eu-de", "eu-nl"])
def test_the_catalog_is_asked_for_the_region_of_the_entry(region):
    assert endpoint(region=region) == f"https://cbr.{region}.otc.t-systems.com/v3/{PROJECT_ID}"


def test_an_endpoint_rendered_for_another_project_gets_the_project_of_the_token():
    assert (
        endpoint(region="eu-nl", project_id=OTHER_PROJECT)
        == f"https://cbr.eu-nl.otc.t-systems.com/v3/{OTHER_PROJECT}"
    )


@pytest.mark.parametrize(
    "catalog",
    [
        (),
        offering(),
        offering(public("eu-nl", "https://other.example/v3")),
        offering(public("eu-de", "https://other.example/v3"), type_="identity"),
        offering(public("eu-de", "https://other.example/v3", interface="internal")),
        offering(public("eu-de", "")),
        offering(public("eu-de", None)),
        offering(public("eu-de", 5)),
        [
            None,
            "cbr",
            {"type": "cbr"},
            {"type": "cbr", "endpoints": {}},
            {"type": "cbr", "endpoints": [None]},
        ],
    ],
)
def test_the_pattern_of_the_cloud_helps_where_the_catalog_does_not(catalog):
    assert endpoint(catalog=catalog) == f"https://cbr.eu-de.otc.t-systems.com/v3/{PROJECT_ID}"


@pytest.mark.parametrize("region", ["*", "", None])
def test_an_endpoint_for_every_region_is_second_best(region):
    everywhere = public(region, "https://all.example/v3")
    here = public("eu-de", "https://here.example/v3")

    assert endpoint(catalog=offering(everywhere)) == f"https://all.example/v3/{PROJECT_ID}"
    assert endpoint(catalog=offering(here, everywhere)) == f"https://here.example/v3/{PROJECT_ID}"


def test_an_old_catalog_that_names_only_region_is_understood():
    old = {"interface": "public", "region": "eu-de", "url": "https://old.example/v3"}

    assert endpoint(catalog=offering(old)) == f"https://old.example/v3/{PROJECT_ID}"


@pytest.mark.parametrize(
    "written",
    [
        "https://cbr.example",
        "https://cbr.example/",
        "cbr.example",
        "https://cbr.example/v3",
        "https://cbr.example/v3/",
        f"https://cbr.example/v3/{OTHER_PROJECT}",
        "https://cbr.example/v3/%(project_id)s",
        "https://cbr.example/v3/$(tenant_id)s",
        "https://cbr.example/v3/${project_id}",
        "https://cbr.example/v3/{tenant_id}/",
    ],
)
def test_every_way_of_writing_an_endpoint_ends_in_version_and_project(written):
    assert endpoint(override=written) == f"https://cbr.example/v3/{PROJECT_ID}"


@pytest.mark.parametrize(
    "address",
    [
        "ftp://cbr.example/v3",
        "https://",
        "https://cbr.example:0/v3",
        "https://cbr.example:99999/v3",
        "https://cbr.example:port/v3",
        "https://[half/v3",
        "https://user:hidden@cbr.example/v3",
        "https://cbr.example/v3?token=hidden",
        "https://cbr.example/v3#hidden",
        "https://cbr.example/v3\r\nX: hidden",
        "https://cbr.example\\@hidden/v3",
        "https://cbr example/v3",
        "javascript:hidden",
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(address):
    with pytest.raises(Misconfigured, match="cbr_endpoint_override of the entry is not an address") as caught:
        endpoint(override=address)

    assert "hidden" not in repr(caught.value)


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ({"override": "http://cbr.example/v3"}, "cbr_endpoint_override of the entry"),
        ({"catalog": offering(public("eu-de", "http://cbr.example/v3"))}, "endpoint of the service catalog"),
    ],
)
def test_a_token_that_came_encrypted_never_travels_in_the_open(given, origin):
    with pytest.raises(Misconfigured, match=f"The {origin} .* is not encrypted") as caught:
        endpoint(**given)

    assert caught.value.region == "eu-de"


def test_an_endpoint_may_be_in_the_open_where_the_sign_in_is():
    assert (
        endpoint(override="http://127.0.0.1:8770", auth_url="http://127.0.0.1:8770/v3")
        == f"http://127.0.0.1:8770/v3/{PROJECT_ID}"
    )


@pytest.mark.parametrize(
    "auth_url", ["https://iam.example", "https://iam.example/v3", "https://iam.example/v3/"]
)
def test_the_identity_endpoint_ends_in_its_version(auth_url):
    assert identity_endpoint(auth_url) == "https://iam.example/v3"


def test_check_address_returns_the_scheme():
    assert [check_address(f"{scheme}://host", "x") for scheme in ("http", "https")] == ["http", "https"]


@pytest.mark.parametrize("region", ["", ".", "-eu", "eu de", "eu/de", "eu-de.evil.example#", "eu-de\n", "ü"])
def test_what_cannot_be_part_of_a_host_name_is_no_region(region):
    with pytest.raises(Misconfigured, match="region_name of the entry 'x' is not a region"):
        check_region(region, "x")


def test_check_region_returns_a_region():
    assert [check_region(name, "x") for name in ("eu-de", "region1")] == ["eu-de", "region1"]
