"""Who may do what: four roles, kept as Django groups, and one function that refuses.

Services call `require` before they act; pages use `can` only to hide what would be refused. Nothing here knows of
requests or pages.
"""

from enum import StrEnum

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, Permission, User
from django.utils.translation import gettext_lazy as _

type_of_actor = User | AbstractBaseUser | AnonymousUser


class Role(StrEnum):
    """A group of users, by the name that the group has in the database."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class Right(StrEnum):
    """Something that a person may be allowed to do."""

    VIEW = "view"
    REFRESH_INVENTORY = "refresh_inventory"
    TRIGGER = "trigger"
    WITHDRAW = "withdraw"
    SETTLE = "settle"
    MANAGE_POLICIES = "manage_policies"
    SET_TARGETS = "set_targets"
    READ_AUDIT = "read_audit"
    MANAGE_USERS = "manage_users"
    CURATE_VIEWS = "curate_views"
    SET_PRICES = "set_prices"


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.VIEW}),
    Role.OPERATOR: frozenset(
        {
            Right.VIEW,
            Right.REFRESH_INVENTORY,
            Right.TRIGGER,
            Right.WITHDRAW,
            Right.SETTLE,
            Right.MANAGE_POLICIES,
            Right.SET_TARGETS,
        },
    ),
    Role.AUDITOR: frozenset({Right.VIEW, Right.READ_AUDIT}),
    # Deliberately without trigger, and without policies, which trigger by the clock: who hands out rights does not start
    # billed copying on the quiet.
    Role.ADMINISTRATOR: frozenset(
        {
            Right.VIEW,
            Right.REFRESH_INVENTORY,
            Right.SET_TARGETS,
            Right.READ_AUDIT,
            Right.MANAGE_USERS,
            Right.CURATE_VIEWS,
            Right.SET_PRICES,
        }
    ),
}

#: Words for a refusal: what the right allows.
RIGHT_WORDS = {
    Right.VIEW: _("see vaults and replications"),
    Right.REFRESH_INVENTORY: _("refresh the inventory"),
    Right.TRIGGER: _("start a replication"),
    Right.WITHDRAW: _("withdraw a replication"),
    Right.SETTLE: _("settle an unclear replication"),
    Right.MANAGE_POLICIES: _("change the cloud's policies"),
    Right.SET_TARGETS: _("set how old restore points may be"),
    Right.READ_AUDIT: _("read the audit pages"),
    Right.MANAGE_USERS: _("manage users"),
    Right.CURATE_VIEWS: _("change what others have shared"),
    Right.SET_PRICES: _("enter the prices that costs are estimated from"),
}


class NotPermitted(Exception):
    """The actor lacks a right. Nothing was changed.

    Attributes:
        right: what was asked for.
        roles: the roles that have it, so that the refusal can name whom to ask.
    """

    def __init__(self, right: Right) -> None:
        self.right = right
        self.roles = tuple(role for role in Role if right in RIGHTS[role])
        super().__init__(f"requires the right to {right.value}")


#: Attribute of a user object that keeps its rights, so that one page asks the database once.
_CACHE = "_replication_rights"


def rights_of(actor: type_of_actor) -> frozenset[Right]:
    """Return everything that the actor may do; nothing for an inactive or anonymous one.

    A superuser counts as an administrator and no more. Costs one query an actor object.
    """
    if not isinstance(actor, User) or not actor.is_active:
        return frozenset()
    cached: frozenset[Right] | None = getattr(actor, _CACHE, None)
    if cached is not None:
        return cached
    names = set(actor.groups.values_list("name", flat=True))
    if actor.is_superuser:
        names.add(Role.ADMINISTRATOR)
    rights = frozenset(right for role in Role if role in names for right in RIGHTS[role])
    setattr(actor, _CACHE, rights)
    return rights


def can(actor: type_of_actor, right: Right) -> bool:
    """Return whether the actor has the right."""
    return right in rights_of(actor)


def require(actor: type_of_actor, right: Right) -> None:
    """Raise `NotPermitted` unless the actor has the right."""
    if not can(actor, right):
        raise NotPermitted(right)


#: What a role may see or change in the admin, as app label, model and actions.
_ADMIN_PERMISSIONS: dict[Role, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    Role.ADMINISTRATOR: (
        ("auth", "user", ("view", "add", "change", "delete")),
        ("auth", "group", ("view", "add", "change", "delete")),
    ),
}


def create_default_groups(**_kwargs: object) -> None:
    """Create the four groups and the administrators' permissions; safe to run again.

    Connected to `post_migrate`, so that a fresh database has them before the first user signs in.
    """
    for role in Role:
        group, _created = Group.objects.get_or_create(name=role.value)
        wanted = [
            permission
            for app_label, model, actions in _ADMIN_PERMISSIONS.get(role, ())
            for permission in Permission.objects.filter(
                content_type__app_label=app_label, codename__in=[f"{action}_{model}" for action in actions]
            )
        ]
        group.permissions.add(*wanted)
