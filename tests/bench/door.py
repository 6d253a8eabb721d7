"""The webhook door against an empty ASGI callable and an empty Django async view, under the same server."""

import statistics
import tempfile
from pathlib import Path

from redis import Redis

from tests.bench import servers, traffic

ROUNDS = 16
SECONDS = 1


def main() -> None:
    with tempfile.TemporaryDirectory() as name, servers.redis_server(Path(name)) as redis_url:
        folder = Path(name)
        environment = {
            "REDIS_URL": redis_url,
            "DATABASE_URL": f"sqlite:///{folder}/bench.sqlite3",
            "CHAT_SDKAPPID": str(traffic.SDKAPPID),
            "CHAT_WEBHOOK_TOKENS": traffic.TOKEN,
            "LOG_LEVEL": "ERROR",
        }
        plain = environment | {"DJANGO_SETTINGS_MODULE": "tests.bench.settings"}
        with (
            servers.uvicorn("tests.bench.apps:empty_asgi", plain) as empty,
            servers.uvicorn("tests.bench.apps:empty_django", plain) as django,
            servers.uvicorn("config.asgi:application", environment) as door,
        ):
            report(measure(folder, redis_url, empty=empty, django=django, door=door))


def measure(folder: Path, redis_url: str, **ports: int) -> dict[str, list[float]]:
    """Throughputs by name, one figure a round; many short rounds, because a shared machine's speed wanders.

    Each round begins with an empty stream: in a running Greenroom the ingest keeps it short, and a Redis that rewrites
    hundreds of megabytes of its append-only file beside us would be measured instead.
    """
    script = folder / "post.lua"
    figures: dict[str, list[float]] = {name: [] for name in ports}
    for round_number in range(ROUNDS):
        Redis.from_url(redis_url).flushall()
        traffic.write_script(script)
        # To and fro, so that a machine that speeds up or slows down favours none.
        for name, port in list(ports.items())[:: -1 if round_number % 2 else 1]:
            figures[name].append(traffic.requests_per_second(port, script, seconds=SECONDS))
    return figures


def report(figures: dict[str, list[float]]) -> None:
    for name, rates in figures.items():
        low, high = min(rates), max(rates)
        print(f"{name:8} median {statistics.median(rates):9,.0f} requests/s  ({low:,.0f} to {high:,.0f})")
    print_ratio("door / empty ASGI callable", figures["door"], figures["empty"], target=0.5)
    print_ratio("door / empty Django async view", figures["door"], figures["django"], target=15)


def print_ratio(label: str, ours: list[float], theirs: list[float], *, target: float) -> None:
    """The median of the rounds' ratios, and whether it meets its target."""
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    verdict = "met" if ratio >= target else "MISSED"
    print(f"{label}: {ratio:.2f}  (target ≥ {target:g}: {verdict}; {len(ours)} rounds)")


if __name__ == "__main__":
    main()
