"""Settings of a test process: nothing of the developer's environment or `.env` reaches it.

`DATABASE_URL` alone is read from outside: absent, tests run on a SQLite file. Every process of pytest (one for each
xdist worker) has its own folder, ports and Redis; the children it starts are told of them through the environment.
"""

import os
import tempfile
from pathlib import Path

from config.processes import HOST, reserve_port

# Said by tests.services; an xdist worker, which inherits all else from its controller, is no such child.
IS_CHILD = os.environ.get("GREENROOM_TEST_ROLE") == "child"

if not IS_CHILD:
    os.environ["GREENROOM_TEST_DIR"] = tempfile.mkdtemp(prefix="greenroom-tests-")
TEST_DIR = Path(os.environ["GREENROOM_TEST_DIR"])

if not IS_CHILD:
    _ports = {name: reserve_port() for name in ("PORT", "SIMULATOR_PORT", "REDIS_PORT")}
    # Held open for the life of the process, so that nobody else is given these ports.
    PORT_HOLDERS = [holder for _, holder in _ports.values()]
    for _name in [name for name in os.environ if name.startswith(("CHAT_", "CSS_", "SECURE_"))]:
        del os.environ[_name]
    os.environ.update(
        DEBUG="true",
        SECRET_KEY="tests-only-secret-key-that-is-long-enough-to-pass-every-check",
        ALLOWED_HOSTS="localhost,127.0.0.1,testserver",
        CSRF_TRUSTED_ORIGINS="",
        CHAT_SDKAPPID="1400000001",
        CHAT_SECRET_KEY="tests" * 12 + "0123",
        CHAT_ADMIN_ACCOUNT="administrator",
        CHAT_API_URL=f"http://{HOST}:{_ports['SIMULATOR_PORT'][0]}",
        CHAT_WEBHOOK_TOKENS="tests-callback-token,tests-next-callback-token",
        DEMO_PASSWORD="tests-only-demo-password",
        DATABASE_URL=os.environ.get("DATABASE_URL") or f"sqlite:///{TEST_DIR / 'unused.sqlite3'}",
        DATABASE_POOL_SIZE="0",
        DELIVERY_DAYS="14",
        LOG_LEVEL="WARNING",
        API_RATE="100000/min",
        TIME_ZONE="UTC",
        PORT=str(_ports["PORT"][0]),
        SIMULATOR_PORT=str(_ports["SIMULATOR_PORT"][0]),
        REDIS_URL=f"redis://{HOST}:{_ports['REDIS_PORT'][0]}/0",
    )

from config.settings import *  # noqa: E402, F403
from config.settings import DATABASES, LOGGING  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, because threads and child processes share it; what a power cut would lose does not matter here.
    DATABASES["default"]["TEST"] = {"NAME": str(TEST_DIR / "tests.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 0

STATIC_ROOT = TEST_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
CELERY_BEAT_SCHEDULE_FILENAME = str(TEST_DIR / "beat-schedule")
LOGGING["loggers"]["django.request"] = {"level": "ERROR"}
