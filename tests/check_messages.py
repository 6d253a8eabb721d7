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
    for domain in ("django",):
        catalogue = LOCALE / f"{domain}.po"
        if not catalogue.exists():
            problems.append(f"{catalogue} is missing.")
            continue
        with TemporaryDirectory() as folder:
            fresh = _extract(Path(folder))
            wanted, kept = _read(fresh / f"{domain}.po", Path(folder)), _read(catalogue, Path(folder))
            compiled = _compiled(LOCALE / f"{domain}.mo")
        problems += [f"not in {catalogue}: {text!r}" for text in sorted(wanted.keys() - kept.keys())]
        problems += [f"no longer used: {text!r}" for text in sorted(kept.keys() - wanted.keys())]
        problems += [f"not translated: {text!r}" for text, translation in sorted(kept.items()) if not translation]
        if compiled != {text: translation for text, translation in kept.items() if translation}:
            problems.append(f"{LOCALE / domain}.mo was not compiled from this {domain}.po.")
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
    everything = folder / "all.po"
    cleared = subprocess.run(
        ["msgattrib", "--clear-fuzzy", "--empty", str(catalogue)], check=True, capture_output=True
    ).stdout
    everything.write_bytes(cleared)
    names = _messages(everything)
    translated = folder / "translated.mo"
    subprocess.run(["msgfmt", "-o", str(translated), str(catalogue)], check=True)
    return {**dict.fromkeys(names, ""), **_compiled(translated)}


def _messages(catalogue: Path) -> set[str]:
    """The msgids of a catalogue, with their context as `gettext` writes it into a key."""
    output = subprocess.run(["msgen", "--no-wrap", str(catalogue)], check=True, capture_output=True).stdout
    filled = catalogue.with_suffix(".filled.po")
    filled.write_bytes(output)
    compiled = catalogue.with_suffix(".mo")
    subprocess.run(["msgfmt", "-o", str(compiled), str(filled)], check=True)
    return set(_compiled(compiled))


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
    sys.exit(main())
