"""Accounts, for administrators: who may sign in, and with which roles.

Nobody can give anything here that the roles do not offer, and nobody is deleted: history refers to people.
"""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import ManyToManyField, Model, QuerySet
from django.forms import CheckboxSelectMultiple, ModelMultipleChoiceField
from django.http import HttpRequest  # noqa: TID251  # the admin consists of pages
from django.utils.translation import gettext_lazy as _

from replication.roles import RIGHT_WORDS, RIGHTS, Right, Role, can

if TYPE_CHECKING:
    AnyUserAdmin = DjangoUserAdmin[User]
    AnyGroupAdmin = admin.ModelAdmin[Group]
else:  # not subscriptable at run time
    AnyUserAdmin, AnyGroupAdmin = DjangoUserAdmin, admin.ModelAdmin

admin.site.unregister([User, Group])


class ForAdministrators:
    """Lets administrators look, and nobody else."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return whether the person sees it in the list of models."""
        return can(request.user, Right.MANAGE_USERS)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002  # Django's
        """Return whether the person may look."""
        return can(request.user, Right.MANAGE_USERS)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002  # Django's
        """Return that nobody may delete."""
        return False


@admin.register(User)
class UserAdmin(ForAdministrators, AnyUserAdmin):
    """People. Who leaves is deactivated, which ends their sessions at once."""

    list_display = ("username", "first_name", "last_name", "roles", "is_active", "last_login")
    list_filter = ("groups", "is_active")
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password", "is_active")}),
        (_("Roles"), {"fields": ("groups",)}),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the person may create accounts."""
        return can(request.user, Right.MANAGE_USERS)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether the person may change this account: a superuser's only if they are one."""
        if isinstance(obj, User) and obj.is_superuser and not getattr(request.user, "is_superuser", False):
            return False
        return can(request.user, Right.MANAGE_USERS)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Return the people with their groups, in two queries however many there are."""
        return super().get_queryset(request).prefetch_related("groups")

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelMultipleChoiceField[Any] | None:
        """Offer the roles, and no other group."""
        kwargs["queryset"] = Group.objects.filter(name__in=list(Role)).order_by("id")
        kwargs["widget"] = CheckboxSelectMultiple
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001  # Django's
        """Save the roles, and keep groups that are none: they mark accounts, such as those of the demo."""
        marks = list(form.instance.groups.exclude(name__in=list(Role)))
        super().save_related(request, form, formsets, change)
        form.instance.groups.add(*marks)

    @admin.display(description=_("roles"))
    def roles(self, obj: User) -> str:
        """Return the names of the groups."""
        return ", ".join(sorted(group.name for group in obj.groups.all()))


@admin.register(Group)
class GroupAdmin(ForAdministrators, AnyGroupAdmin):
    """The roles: what each allows and who has it. They are given on a person's page."""

    list_display = ("name", "allows")
    ordering = ("id",)
    fields = readonly_fields = ("name", "allows", "members")

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002  # Django's signature
        """Return that nobody may add: what a role allows is written in the program."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002  # Django's
        """Return that nobody may change: what a role allows is written in the program."""
        return False

    @admin.display(description=_("allows to"))
    def allows(self, obj: Group) -> str:
        """Return the role's rights in words; a dash for a group that is no role."""
        rights = RIGHTS[Role(obj.name)] if obj.name in list(Role) else frozenset()
        return "; ".join(str(RIGHT_WORDS[right]) for right in Right if right in rights) or "-"

    @admin.display(description=_("members"))
    def members(self, obj: Group) -> str:
        """Return the names of the people who have it."""
        return ", ".join(obj.user_set.order_by("username").values_list("username", flat=True)) or "-"
