"""A plain HTTP client for tests of the sandbox: it knows paths and tokens, and judges nothing."""

import requests

DOMAIN = "OTC-EU-DE-00000000001000042"


def sign_in_request(user="replication", password="sandbox", scope=None):
    identity = {
        "methods": ["password"],
        "password": {"user": {"name": user, "password": password, "domain": {"name": DOMAIN}}},
    }
    return {"auth": {"identity": identity} | ({"scope": scope} if scope is not None else {})}


class Visitor:
    """One user in one project of a sandbox."""

    def __init__(self, sandbox, project="eu-de_production", user="replication"):
        self.url = sandbox.url
        self.session = requests.Session()
        self.session.trust_env = False
        self.world = self.control("GET", "world").json()
        self.user = user
        self.move_to(project)

    def move_to(self, project):
        self.project_id = self.world["projects"][project]["id"]
        self.sign_in()

    def sign_in(self):
        body = sign_in_request(self.user, scope={"project": {"id": self.project_id}})
        answer = self.session.post(f"{self.url}/v3/auth/tokens", json=body, timeout=10)
        self.session.headers["X-Auth-Token"] = answer.headers["X-Subject-Token"]

    def control(self, method, path, json=None):
        return self.session.request(method, f"{self.url}/_sandbox/{path}", json=json, timeout=10)

    def get(self, path, **query):
        return self.session.get(f"{self.url}/v3/{self.project_id}/{path}", params=query, timeout=10)

    def post(self, path, json=None, **options):
        return self.session.post(f"{self.url}/v3/{self.project_id}/{path}", json=json, timeout=10, **options)

    def vault_id(self, name):
        return self.world["vaults"][name]["id"]

    def order(self, vault="vault-orders-db", target="replica-production", **changes):
        """Write a replicate request between two vaults of the seed."""
        target_project_id = self.world["vaults"][target]["project_id"]
        region = next(p["region"] for p in self.world["projects"].values() if p["id"] == target_project_id)
        wishes = {
            "vault_id": self.vault_id(vault),
            "destination_region": region,
            "destination_project_id": target_project_id,
            "destination_vault_id": self.vault_id(target),
        }
        return {"replicate": wishes | changes}

    def replicate(self, vault="vault-orders-db", target="replica-production", **changes):
        return self.post("checkpoints/replicate", self.order(vault, target, **changes))

    def backup_order(self, target="replica-production", **changes):
        wishes = self.order(target=target, **changes)["replicate"]
        del wishes["vault_id"]
        return {"replicate": wishes}

    def backups(self, vault, **query):
        return self.get("backups", vault_id=self.vault_id(vault), **query).json()["backups"]

    def replication_logs(self, vault="vault-orders-db"):
        logs = self.get("operation-logs", vault_id=self.vault_id(vault)).json()["operation_logs"]
        return [log for log in logs if log["operation_type"] == "replication"]

    def advance(self, seconds):
        self.control("POST", "clock", {"advance_seconds": seconds})

    def spoil(self, operation, fault, **parameters):
        return self.control("POST", "faults", {"operation": operation, "fault": fault, **parameters})

    def accepted(self):
        return self.control("GET", "accepted").json()["accepted"]

    def close(self):
        self.session.close()


def code_of(answer):
    """Read status and error code of a refusal in CBR's or the gateway's shape."""
    return answer.status_code, answer.json()["error_code"]
