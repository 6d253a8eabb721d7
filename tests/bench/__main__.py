"""`make bench`: every benchmark in turn, each in its own process; ratios of one run, and missed targets are said."""

import subprocess
import sys

BENCHMARKS = ("door", "ingest")


def main() -> int:
    worst = 0
    for name in BENCHMARKS:
        print(f"== {name}", flush=True)
        worst = max(worst, subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], check=False).returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
