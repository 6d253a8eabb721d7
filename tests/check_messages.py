"""`make check`: does every sentence people read have a Chinese one, and is the compiled catalogue the one committed?"""

import gettext
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

LOCALE = Path("config/locale/zh_Hans/LC_MESSAGES")
PARTS = ("config", "rooms", "moderation", "stats", "templates", "static", "manage.py")


def main() -> int:
    problems: list[str] = []
    catalogue = LOCALE / "django.po"
    if not catalogue.exists():
        problems.append(f"{catalogue} is missing.")
    else:
        with TemporaryDirectory() as folder:
            fresh = _extract(Path(folder))
            wanted, kept = _read(fresh / "django.po", Path(folder)), _read(catalogue, Path(folder))
        problems += [f"not in {catalogue}: {text!r}" for text in sorted(wanted.keys() - kept.keys())]
        problems += [f"no longer used: {text!r}" for text in sorted(kept.keys() - wanted.keys())]
        problems += [f"not translated: {text!r}" for text, translation in sorted(kept.items()) if not translation]
        if _compiled(LOCALE / "django.mo") != {text: translation for text, translation in kept.items() if translation}:
            problems.append(f"{LOCALE / 'django.mo'} was not compiled from this django.po.")
    print("\n".join(problems) if problems else "The translations are up to date.")
    if problems:
        print("Run `make messages`, translate what is new, and run it again.")
    return 1 if problems else 0


def _extract(folder: Path) -> Path:
    """The catalogue as `make messages` would write it, from a copy of the tree."""
    for part in PARTS:
        if Path(part).is_dir():
            shutil.copytree(part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(part, folder / part)
    subprocess.run(
        [
            sys.executable, "manage.py", "makemessages", "--locale", "zh_Hans",
            "--no-location", "--no-obsolete", "--no-wrap", "--verbosity", "0",
        ],
        cwd=folder,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
        check=True,
    )  # fmt: skip
    return folder / LOCALE


def _read(catalogue: Path, folder: Path) -> dict[str, str]:
    """Every sentence and its translation; empty where there is none yet, or only a doubtful one."""
    filled, translated = folder / "filled", folder / "translated"
    plain = _gettext("msgattrib", "--clear-fuzzy", str(catalogue))
    (folder / "filled.po").write_bytes(_gettext("msgen", "-", given=plain))
    _gettext("msgfmt", "-o", str(filled), str(folder / "filled.po"))
    _gettext("msgfmt", "--check-format", "-o", str(translated), str(catalogue))
    return {**dict.fromkeys(_compiled(filled), ""), **_compiled(translated)}


def _gettext(*command: str, given: bytes | None = None) -> bytes:
    return subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True).stdout


def _compiled(path: Path) -> dict[str, str]:
    """What a compiled catalogue holds, without its header; plural forms count by their first."""
    if not path.exists():
        return {}
    with path.open("rb") as file:
        catalogue = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    found: dict[str, str] = {}
    for key, value in catalogue.items():
        text = key[0] if isinstance(key, tuple) else key
        if text:
            found.setdefault(text, value)
    return found


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as problem:
        sys.exit(f"{problem.cmd[0]} failed; what it found is above.")
