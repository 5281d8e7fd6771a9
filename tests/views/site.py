"""The site as tests of pages see it: its routes as the resolver knows them, and everything in its database."""

import re
import uuid
from urllib.parse import urlencode

from django.apps import apps
from django.urls import URLPattern, get_resolver, reverse

#: Tables that say who is signed in, not what was done.
PASSING = {"sessions.session"}


def routes():
    """Return every route with the names of its arguments, those of the admin under their namespace."""
    found = {}
    _collect(get_resolver().url_patterns, "", {}, found)
    return found


def _collect(patterns, namespace, arguments, found):
    for pattern in patterns:
        mine = {**arguments, **pattern.pattern.regex.groupindex}
        if isinstance(pattern, URLPattern):
            # The admin's few routes without a name only redirect to one that has it.
            if pattern.name or not namespace:
                found[f"{namespace}{pattern.name or pattern.pattern}"] = tuple(mine)
        else:
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            _collect(pattern.url_patterns, inner, mine, found)


def everything():
    """Return all rows of all tables, to tell whether anything was changed."""
    return {
        model._meta.label_lower: sorted(map(repr, model._base_manager.values_list()))
        for model in apps.get_models()
        if model._meta.label_lower not in PASSING
    }


def review_address(source, destination, /, key=None, name="replication-review", **more):
    """Return the address of the last look at a replication between two vaults of the inventory."""
    wanted = {
        "key": key or uuid.uuid4(),
        "vault": source.pk,
        "region": destination.project.region.name,
        "project": destination.project.pk,
        "destination": destination.pk,
        **more,
    }
    return f"{reverse(name)}?{urlencode(wanted)}"


def batch_review_address(sources, destination, /, key=None, **more):
    """Return the address of the last look at a batch of these vaults."""
    wanted = {
        "key": key or uuid.uuid4(),
        "vaults": ".".join(source.pk.hex for source in sources),
        "region": destination.project.region.name,
        "project": destination.project.pk,
        "destination": destination.pk,
        **more,
    }
    return f"{reverse('batch-review')}?{urlencode(wanted)}"


def policy_address(name, change, vault, destination, key=None):
    """Return the address of a page of policies: about the policy of a change, a vault of its project, and a target."""
    policy = change.known_policy
    about = {
        "policy-change": [change.pk],
        "policy-change-progress": [change.pk],
        "policy-remove": [policy.pk, vault.pk],
    }
    if name in {"policy-list", "policy-rows", "policy-bare-vaults", "policy-new", "policy-new-review"}:
        about[name] = []
    wanted = {"key": key or uuid.uuid4()}
    if name == "policy-new-review":
        wanted |= {
            "project": policy.project.pk,
            "name": "replicate-more",
            "destination": destination.project.pk,
            "rhythm": "weekly",
            "weekdays": "SA",
            "hours": "4",
            "keep": "for_good",
        }
    elif name == "policy-apply-review":
        wanted |= {"vault": vault.pk, "destination": destination.pk}
    query = f"?{urlencode(wanted)}" if name.endswith("review") else ""
    return reverse(name, args=about.get(name, [policy.pk])) + query


def text_of(answer):
    """Return what a page says, without its tags and with single spaces."""
    main = answer.content.decode().partition("<main")[2] or answer.content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", main.partition("</main>")[0]).split())
