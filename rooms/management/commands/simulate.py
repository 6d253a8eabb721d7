"""`manage.py simulate`: run the stand-in for Tencent Cloud Chat. Development, rehearsal and tests only."""

from __future__ import annotations

import argparse
import logging
import os
import textwrap
from pathlib import Path

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from rooms.chat.simulator.app import create_app
from rooms.chat.simulator.server import Server
from rooms.chat.simulator.settings import SettingError, Settings, SimulatorConfig


class Command(BaseCommand):
    """Starts the simulator and serves it until SIGTERM or Ctrl-C."""

    help = "Run the simulator of Tencent Cloud Chat (never in production)."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        web = f"http://127.0.0.1:{os.environ.get('PORT', '8000')}/webhooks/chat/"
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.epilog = _settings_help()
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        parser.add_argument(
            "--port", type=int, default=settings.SIMULATOR_PORT, help="port to listen on (SIMULATOR_PORT, 8090)"
        )
        parser.add_argument("--webhook-url", default=web, help=f"where webhooks go ({web}); empty fires none")
        parser.add_argument("--speed", type=float, default=1.0, help="how much faster its clock runs (1)")
        parser.add_argument("--seed", type=int, default=20261120, help="seed of ids and crowds")
        parser.add_argument("--state", type=Path, help="keep rooms and accounts in this file over a restart")
        parser.add_argument(
            "--set", action="append", default=[], metavar="NAME=JSON", help="change a named setting, listed below"
        )

    def handle(self, *args: object, **options: object) -> None:
        chat = settings.CHAT
        if not 0 < float(str(options["speed"])) <= 1_000_000:
            raise CommandError("--speed must be above 0.")
        state = options["state"]
        config = SimulatorConfig(
            sdkappid=chat.sdkappid,
            secret_key=chat.secret_key,
            admin_accounts=(chat.admin_account,),
            webhook_url=str(options["webhook_url"]),
            webhook_token=chat.webhook_tokens[0] if chat.webhook_tokens else "",
            speed=float(str(options["speed"])),
            seed=int(str(options["seed"])),
            state_file=state if isinstance(state, Path) else None,
            settings=_chosen_settings(options["set"]),
        )
        logging.getLogger("greenroom.simulator").setLevel(logging.WARNING)
        host, port = str(options["host"]), int(str(options["port"]))
        try:
            app = create_app(config)
        except (ValueError, OSError) as problem:
            raise CommandError(f"{state}: {problem}") from problem
        self.stdout.write(f"Simulator of Chat: http://{host}:{port}/sim/")
        try:
            Server(app, host=host, port=port).run()
        except KeyboardInterrupt:
            # uvicorn hands the signal on once it has stopped; there is nothing left to do.
            self.stdout.write("Simulator of Chat stopped.")


def _chosen_settings(given: object) -> Settings:
    values: dict[str, object] = {}
    assert isinstance(given, list)
    for item in given:
        name, _, text = str(item).partition("=")
        try:
            values[name] = orjson.loads(text)
        except orjson.JSONDecodeError:
            values[name] = text
    try:
        return Settings().changed(values)
    except SettingError as problem:
        raise CommandError(str(problem)) from problem


def _settings_help() -> str:
    lines = ["named settings (--set NAME=JSON, or POST /sim/settings while it runs):"]
    for name, default, text in Settings().lines():
        lines.append(f"  {name} = {orjson.dumps(default).decode()}")
        lines.extend(textwrap.wrap(text, 92, initial_indent="      ", subsequent_indent="      "))
    return "\n".join(lines)
