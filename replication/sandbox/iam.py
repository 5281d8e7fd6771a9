"""The calls of IAM: version discovery, tokens, projects and the service catalog.

Passwords and tokens themselves are the identity module's; here is how IAM words its answers and refusals.
"""

from collections.abc import Mapping
from typing import Any

from replication.sandbox.answers import Answer, Refusal, iam_refusal, keystone_refusal
from replication.sandbox.calls import Call
from replication.sandbox.entities import REGIONS, Project, derived_id
from replication.sandbox.gateway import Unidentified
from replication.sandbox.identity import DOMAIN_ID, DOMAIN_NAME, USERS, User, find_user
from replication.sandbox.parameters import parse_json

Document = dict[str, Any]
DOMAIN = {"id": DOMAIN_ID, "name": DOMAIN_NAME}


def discover_versions(call: Call) -> Answer:
    """API: IAM, version 3."""
    version = {
        "id": "v3.6",
        "status": "stable",
        "updated": "2016-04-04T00:00:00Z",
        "links": [{"rel": "self", "href": f"{_identity_url(call)}/"}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    }
    return Answer(200, {"version": version})


def create_token(call: Call) -> Answer:
    """API: IAM, obtaining a user token with a password, for a project or for the whole domain."""
    wishes = _read_sign_in(call.body)
    user = _check_password(_part(wishes, "identity"))
    project = _scope(call, wishes)
    token, access = call.simulation.tokens.issue(user, project.id if project else "", call.now)
    document = {
        "expires_at": _moment(access.expires_at.isoformat(timespec="microseconds")),
        "issued_at": _moment(access.issued_at.isoformat(timespec="microseconds")),
        "methods": ["password"],
        "roles": [
            {"id": "0", "name": "cbr_adm" if "cbr:vaults:replicate" in user.actions else "cbr_readonly"}
        ],
        "user": {"id": user.id, "name": user.name, "password_expires_at": "", "domain": DOMAIN},
    }
    if project is not None:
        document["project"] = {"id": project.id, "name": project.name, "domain": DOMAIN}
    else:
        document["domain"] = DOMAIN
    if "nocatalog" not in call.request.args:
        document["catalog"] = _catalog(call, project)
    return Answer(201, {"token": document}, {"X-Subject-Token": token})


def list_own_projects(call: Call) -> Answer:
    """API: IAM, listing the projects a user can reach."""
    return _project_list(call, list(call.simulation.world.projects.values()))


def list_projects(call: Call) -> Answer:
    """API: IAM, listing projects by name."""
    name = call.request.args.get("name")
    projects = call.simulation.world.projects.values()
    return _project_list(call, [project for project in projects if name in {None, project.name}])


def show_catalog(call: Call) -> Answer:
    """API: IAM, querying the service catalog; for project tokens only."""
    project = call.simulation.world.projects.get(call.user_access.project_id)
    if project is None:
        raise keystone_refusal(403, "Forbidden", "The token is not scoped to a project.")
    self_link = f"{_identity_url(call)}/auth/catalog"
    return Answer(200, {"catalog": _catalog(call, project), "links": {"self": self_link}})


def not_identified(unidentified: Unidentified) -> Refusal:
    """Refuse as IAM does."""
    match unidentified.state:
        case "over":
            return iam_refusal(401, "0066", "The token has expired.")
        case "invalid":
            return iam_refusal(401, "0067", "Invalid token.")
    return keystone_refusal(401, "Unauthorized", "The request you have made requires authentication.")


def _project_list(call: Call, projects: list[Project]) -> Answer:
    url = _identity_url(call)
    documents = [
        {
            "id": project.id,
            "name": project.name,
            "domain_id": DOMAIN_ID,
            "parent_id": DOMAIN_ID,
            "enabled": project.enabled,
            "is_domain": False,
            "description": "",
            "links": {"self": f"{url}/projects/{project.id}"},
        }
        for project in projects
    ]
    links = {"self": f"http://{call.request.host}{call.request.path}", "previous": None, "next": None}
    return Answer(200, {"projects": documents, "links": links})


def _read_sign_in(body: bytes) -> Document:
    try:
        document = parse_json(body)
    except ValueError as error:
        raise _invalid_body() from error
    return _part(document, "auth")


def _check_password(identity: Document) -> User:
    if identity.get("methods") != ["password"]:
        raise keystone_refusal(401, "Unauthorized", "Attempted to authenticate with an unsupported method.")
    wanted = _part(_part(identity, "password"), "user")
    if "id" in wanted:
        user = next((known for known in USERS if known.id == wanted["id"]), None)
    else:
        user = find_user(str(wanted.get("name", ""))) if _is_own_domain(_part(wanted, "domain")) else None
    if user is not None and user.is_locked:
        raise iam_refusal(401, "0061", "The account is locked.")
    if user is None or wanted.get("password") != user.password:
        raise keystone_refusal(401, "Unauthorized", "The username or password is wrong.")
    return user


def _scope(call: Call, wishes: Document) -> Project | None:
    scope = wishes.get("scope", {})
    if not isinstance(scope, dict):
        raise _invalid_body()
    if "project" not in scope:
        if "domain" in scope and not _is_own_domain(_part(scope, "domain")):
            raise keystone_refusal(401, "Unauthorized", "The domain does not exist or the user is not in it.")
        return None
    wanted = _part(scope, "project")
    domain = _part(wanted, "domain") if "domain" in wanted else {}
    for project in call.simulation.world.projects.values():
        named = project.id == wanted["id"] if "id" in wanted else project.name == wanted.get("name")
        if named and _is_own_domain(domain):
            return project
    raise keystone_refusal(401, "Unauthorized", "The project does not exist or the user has no role in it.")


def _is_own_domain(domain: Document) -> bool:
    return (domain.get("name", DOMAIN_NAME), domain.get("id", DOMAIN_ID)) == (DOMAIN_NAME, DOMAIN_ID)


def _catalog(call: Call, project: Project | None) -> list[Document]:
    """List the services; both regions' CBR addresses carry the token's own project, as the real catalog's do."""
    services = [_service("identity", "iam", {region: _identity_url(call) for region in REGIONS})]
    if project is not None:
        host = call.request.host
        addresses = {region: f"http://{host}/{region}/v3/{project.id}" for region in REGIONS}
        services.append(_service("cbr", "cbr", addresses))
    return services


def _service(service_type: str, name: str, addresses: Mapping[str, str]) -> Document:
    return {
        "id": derived_id("service", service_type).replace("-", ""),
        "type": service_type,
        "name": name,
        "endpoints": [
            {
                "id": derived_id("endpoint", service_type, region).replace("-", ""),
                "interface": "public",
                "region": region,
                "region_id": region,
                "url": url,
            }
            for region, url in addresses.items()
        ],
    }


def _identity_url(call: Call) -> str:
    return f"http://{call.request.host}/v3"


def _part(document: object, name: str) -> Document:
    part = document.get(name) if isinstance(document, dict) else None
    if not isinstance(part, dict):
        raise _invalid_body()
    return part


def _invalid_body() -> Refusal:
    return iam_refusal(400, "0011", "Invalid request body.")


def _moment(text: str) -> str:
    return text.replace("+00:00", "Z")
