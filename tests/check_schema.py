"""`make check` and `make schema`: is rooms/api/schema.yaml what the code says?"""

import difflib
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

KEPT = Path("rooms/api/schema.yaml")


def main() -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django
    from django.core.management import call_command

    django.setup()
    with TemporaryDirectory() as folder:
        drawn = Path(folder) / "schema.yaml"
        call_command("spectacular", validate=True, fail_on_warn=True, file=str(drawn))
        text = drawn.read_text()
    if "--write" in sys.argv:
        KEPT.write_text(text)
        return 0
    before = KEPT.read_text() if KEPT.exists() else ""
    if before == text:
        print(f"{KEPT} is up to date.")
        return 0
    sys.stdout.writelines(difflib.unified_diff(before.splitlines(True), text.splitlines(True), str(KEPT), "code", n=2))
    print(f"{KEPT} is not what the code says: run `make schema`.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
