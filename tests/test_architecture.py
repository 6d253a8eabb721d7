"""The house keeps its plan: who imports whom, what lies where, and what no file may hold."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parent.parent
APPS = ("config", "rooms", "moderation", "stats")
TOP_LEVEL = {
    "manage.py", "pyproject.toml", "README.md", "Makefile", "Procfile", "LICENSE",
    "requirements.lock", "requirements-dev.lock",
    "config", "rooms", "moderation", "stats", "templates", "static", "tests",
}  # fmt: skip
LONGEST = 400
# From this length on a module must say what it is for.
SPEAKING = 40
FORBIDDEN_NAMES = {"core", "common", "utils", "helpers", "misc"}


@cache
def files() -> list[Path]:
    """What git knows or would add; without git, what lies there."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        paths = [ROOT / line for line in listed.stdout.splitlines()]
    else:
        paths = [path for name in TOP_LEVEL for path in [ROOT / name, *(ROOT / name).rglob("*")]]
    return sorted(path for path in paths if path.is_file() and "__pycache__" not in path.parts)


def modules(*folders: str) -> list[Path]:
    return [
        path
        for path in files()
        if path.suffix == ".py" and relative(path).parts[0] in folders and "migrations" not in path.parts
    ]


def relative(path: Path) -> Path:
    return path.relative_to(ROOT)


def test_imports_run_one_way(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True) == 0, capsys.readouterr().out


def test_the_top_level_stays_as_it_is() -> None:
    names = {relative(path).parts[0] for path in files()}
    assert {name for name in names if not name.startswith(".")} <= TOP_LEVEL


def test_names_say_something() -> None:
    vague = [str(relative(path)) for path in modules(*APPS) if FORBIDDEN_NAMES & {path.stem, *path.parts[-2:-1]}]
    assert not vague


def test_no_module_is_too_long() -> None:
    lengths = {str(relative(path)): len(path.read_text().splitlines()) for path in modules(*APPS)}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_load_bearing_modules_say_what_they_are_for() -> None:
    """Models, forms and endpoints are named for their subject; what stands beside them must speak."""
    silent = []
    for path in modules("config", "rooms", "moderation", "stats"):
        is_layered = relative(path).parts[1] in ("models", "forms", "api", "urls.py", "apps.py")
        text = path.read_text()
        if not is_layered and len(text.splitlines()) > SPEAKING and not ast.get_docstring(ast.parse(text)):
            silent.append(str(relative(path)))
    assert silent == []


def test_opening_docstrings_are_short() -> None:
    openings = {path: ast.get_docstring(ast.parse(path.read_text())) or "" for path in modules(*APPS, "tests")}
    assert [str(relative(path)) for path, text in openings.items() if len(text.splitlines()) > 15] == []


def test_pages_carry_no_script_or_style_of_their_own() -> None:
    inline = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|<style|\sstyle=|\son[a-z]+=[\"']|javascript:")
    found = [
        f"{relative(path)}: {match.group()}"
        for path in files()
        if path.suffix == ".html" and relative(path).parts[0] in ("templates", *APPS)
        for match in inline.finditer(path.read_text())
    ]
    assert found == []


def test_pages_load_nothing_from_elsewhere() -> None:
    foreign = re.compile(r"(?:src|href)=[\"'](?:https?:)?//|@import|url\([\"']?(?:https?:)?//")
    found = [
        str(relative(path)) for path in files() if path.suffix in (".html", ".css") and foreign.search(path.read_text())
    ]
    assert found == []


def test_nothing_is_left_for_later() -> None:
    marks = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    found = [
        f"{relative(path)}: {match.group()}"
        for path in files()
        if path.suffix in (".py", ".html", ".css", ".js", ".md", ".sh", ".toml")
        for match in marks.finditer(path.read_text())
    ]
    assert found == []


def test_tests_wait_for_something_and_not_for_a_while() -> None:
    naps = re.compile(r"\btime\.sleep\(|wait_for_timeout\(")
    found = [
        str(relative(path))
        for path in modules("tests")
        if path != Path(__file__) and "bench" not in path.parts and naps.search(path.read_text())
    ]
    assert found == []


def test_services_do_not_reach_chat() -> None:
    """A service records a command; only the courier holds a client."""
    found = [
        str(relative(path))
        for path in modules("rooms", "moderation", "stats")
        if "services" in path.parts and re.search(r"rooms\.chat\.client|\bhttpx\b", path.read_text())
    ]
    assert found == []
