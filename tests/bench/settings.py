"""The project's settings with an empty async view in place of its pages; middleware and all else unchanged."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.apps"
