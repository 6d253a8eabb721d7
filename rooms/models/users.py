from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

account_validator = RegexValidator(
    r"\A[A-Za-z0-9_.-]{1,32}\Z", _("Use 1 to 32 letters, digits, dots, hyphens or underscores.")
)


class User(AbstractUser):
    """Someone who may sign in. An anchor is a user with a Chat account."""

    account = models.CharField(
        _("Chat account"),
        max_length=32,
        unique=True,
        null=True,
        blank=True,
        validators=[account_validator],
        help_text=_("The Chat user id this person broadcasts as."),
    )

    class Meta(AbstractUser.Meta):
        pass

    @property
    def display_name(self) -> str:
        return self.get_full_name() or self.username
