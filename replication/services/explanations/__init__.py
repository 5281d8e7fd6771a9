"""What an error code means for a replication, for the person on call: what happened, and what to do now.

The same code is explained the same way everywhere, so this knows no replication. Where nobody can know whether
something was started, the text says so instead of guessing.
"""

from .backup_service import BACKUP_SERVICE
from .gateway import GATEWAY, IAM
from .own import OWN
from .wording import Explanation

__all__ = ["FAMILIES", "Explanation", "explain"]

#: Code before the dot -> number after it -> explanation; our own codes and bare numbers have no dot.
FAMILIES: dict[str, dict[str, Explanation]] = {
    "": OWN | BACKUP_SERVICE,
    "BackupService": BACKUP_SERVICE,
    "APIGW": GATEWAY,
    "APIG": GATEWAY,
    "IAM": IAM,
}


def explain(code: str) -> Explanation | None:
    """Return the explanation of a code; `None` for one that nobody has explained yet.

    Takes `BackupService.6129` or bare `6129`, `APIGW.0308` or `APIG.0308`, `IAM.0062`, and our own as `redirect`.
    """
    family, _dot, number = code.strip().rpartition(".")
    return FAMILIES.get(family, {}).get(number)
