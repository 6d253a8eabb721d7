"""`manage.py demo`: seed the demo. Harmless to repeat; never for production."""

import os
import secrets
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from rooms import demo


class Command(BaseCommand):
    help = "Create the demo's accounts and rooms; what exists is left alone."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--migrate", action="store_true", help="bring the database up to date first")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG or not settings.IS_SIMULATED:
            raise CommandError("The demo is only for DEBUG with the simulator: it would fill a real application.")
        if options["migrate"]:
            call_command("migrate", verbosity=0)
        users = demo.ensure_accounts(demo_password())
        new_rooms = demo.ensure_rooms(users)
        self.stdout.write(f"Demo: {new_rooms} rooms made, {len(demo.ROOMS) - new_rooms} were there.")
        key = demo.ensure_api_key()
        if key:
            self.stdout.write(f"Demo: API key of {demo.APP_NAME}, shown only now: {key}")


def demo_password() -> str:
    """DEMO_PASSWORD, else a random one that is kept in var/demo-password for the next run."""
    if settings.DEMO_PASSWORD:
        return str(settings.DEMO_PASSWORD)
    path = settings.BASE_DIR / "var" / "demo-password"
    if path.exists():
        kept: str = path.read_text().strip()
        if kept:
            return kept
    password = secrets.token_urlsafe(9)
    path.parent.mkdir(exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(f"{password}\n")
    return password
