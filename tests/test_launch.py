"""`make run`, in a copy of the tree so that nobody's own demo is touched."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from config.processes import HOST, reserve_port, spawn
from tests.services import eventually

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("config", "rooms", "moderation", "stats", "templates", "static", "manage.py", "Procfile")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh copy of what `make run` needs."""
    folder = tmp_path_factory.mktemp("tree")
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)
    return folder


@pytest.fixture
def env() -> Iterator[dict[str, str]]:
    """Nothing of the tests' own environment, and two free ports."""
    ports = [reserve_port() for _ in range(2)]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    yield {**kept, "PORT": str(ports[0][0]), "SIMULATOR_PORT": str(ports[1][0]), "PYTHONUNBUFFERED": "1"}
    for _, holder in ports:
        holder.close()


def launch_and_fail(tree: Path, env: dict[str, str]) -> str:
    """What the launcher says when it cannot start."""
    done = subprocess.run(
        [sys.executable, "-m", "config.launch"],
        cwd=tree,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize("name", ["PORT", "SIMULATOR_PORT"])
def test_a_busy_port_gives_one_clear_line(tree: Path, env: dict[str, str], name: str) -> None:
    with socket.socket() as busy:
        busy.bind((HOST, 0))
        busy.listen()
        port = busy.getsockname()[1]
        said = launch_and_fail(tree, {**env, name: str(port)})
    assert said == (
        f"Greenroom cannot start: port {port} is in use. "
        f"Stop what uses it, or choose another: make run {name}={port + 1}\n"
    )


def test_it_is_not_for_production(tree: Path, env: dict[str, str]) -> None:
    said = launch_and_fail(tree, {**env, "DEBUG": "false"})
    assert said.count("\n") == 1
    assert "DEBUG is off" in said


@pytest.mark.timeout(240)
def test_the_demo_starts_stops_and_comes_back(tree: Path, env: dict[str, str]) -> None:
    launcher, log = start(tree, env, "first.log")
    said = wait_for_welcome(launcher, log)
    url, simulator = f"http://{HOST}:{env['PORT']}", f"http://{HOST}:{env['SIMULATOR_PORT']}"
    password = (tree / "var" / "demo-password").read_text().strip()
    assert f"{url}/" in said
    assert said.count(password) == 1
    assert "8 rooms made" in said
    assert httpx.get(f"{url}/readyz").status_code == 200
    assert sign_in(url, "operator", password)
    eventually(lambda: live_rooms(simulator) >= 3, seconds=30, what="a crowd in every live room")
    eventually(lambda: said_in(simulator) > 0, seconds=30, what="the crowd saying something")
    before = highest_numbers(simulator)

    # As the terminal does it for Ctrl-C: to the whole group.
    os.killpg(launcher.pid, signal.SIGINT)
    assert launcher.wait(20) == 0
    eventually(lambda: not processes_in(tree), seconds=5, what="every process being gone")
    assert "Traceback" not in log.read_text()

    launcher, log = start(tree, env, "second.log")
    said = wait_for_welcome(launcher, log)
    assert "0 rooms made, 8 were there" in said
    assert said.count(password) == 1
    after = highest_numbers(simulator)
    assert before.keys() <= after.keys()
    assert all(after[group] >= number for group, number in before.items())

    # Even a launcher that cannot say goodbye leaves nothing behind.
    launcher.kill()
    launcher.wait(5)
    eventually(lambda: not processes_in(tree), seconds=10, what="every process being gone")


def start(tree: Path, env: dict[str, str], name: str) -> "tuple[subprocess.Popen[bytes], Path]":
    log = tree / name
    with log.open("wb") as output:
        return spawn([sys.executable, "-m", "config.launch"], env=env, cwd=tree, output=output), log


def wait_for_welcome(launcher: "subprocess.Popen[bytes]", log: Path) -> str:
    def welcome() -> str:
        text = log.read_text(errors="replace")
        if launcher.poll() is not None:
            pytest.fail(f"The launcher ended:\n{text}")
        return text if "Stop with" in text or "Not ready" in text else ""

    text = eventually(welcome, seconds=100, what="the welcome")
    assert "Not ready" not in text, text
    return text


def sign_in(url: str, username: str, password: str) -> bool:
    with httpx.Client(base_url=url, headers={"Referer": f"{url}/login/"}) as browser:
        browser.get("/login/")
        form = {"username": username, "password": password, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        answer = browser.post("/login/", data=form)
    return answer.status_code == 302 and urlsplit(answer.headers["location"]).path == "/"


def live_rooms(simulator: str) -> int:
    crowds = httpx.get(f"{simulator}/sim/crowd").json()["crowds"]
    return sum(crowd["is_running"] for crowd in crowds)


def said_in(simulator: str) -> int:
    return sum(crowd["said"] for crowd in httpx.get(f"{simulator}/sim/crowd").json()["crowds"])


def highest_numbers(simulator: str) -> dict[str, int]:
    """The newest sequence number of every room."""
    numbers = {}
    for group in httpx.get(f"{simulator}/sim/groups").json()["groups"]:
        shown = httpx.get(f"{simulator}/sim/groups/{group['group_id']}").json()
        numbers[group["group_id"]] = max((message["seq"] for message in shown["messages"]), default=0)
    return numbers


def processes_in(tree: Path) -> list[str]:
    """Everything that runs with its working directory inside the tree."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            is_inside = (folder / "cwd").readlink().is_relative_to(tree)
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if is_inside and command:
            found.append(f"{folder.name} {command}")
    return found
