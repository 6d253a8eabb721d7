# What people and CI do with Greenroom. Needs Python 3.11 with venv and pip; `make run` needs nothing else and no root.
SHELL := /bin/sh
PY ?= python3.11
UV_VERSION := 0.13.8
BIN := .venv/bin
PACKAGES := config rooms moderation stats
PYTEST_FLAGS ?= -q -n 2

export UV_PYTHON_DOWNLOADS := never

.PHONY: install run test check bench lock messages schema sysdeps clean
.DEFAULT_GOAL := run

install: .venv/.dev ## the environment, for running and developing

.venv/.uv:
	$(PY) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

.venv/.run: requirements.lock | .venv/.uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.run
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@

run: .venv/.run
	@exec $(BIN)/python -m config.launch

sysdeps:
	@sh tests/sysdeps.sh

# The database-dependent tests on PostgreSQL first, then everything, browser tests too, on SQLite: the last line is
# pytest's summary of the whole suite.
test: .venv/.dev sysdeps
	@echo "Database-dependent tests on PostgreSQL"
	@rm -f .venv/.postgres-failed
	@pg_virtualenv -o fsync=off -o synchronous_commit=off -o full_page_writes=off sh -c \
	  'DATABASE_URL="postgres://$$PGUSER:$$PGPASSWORD@$$PGHOST:$$PGPORT/$$PGDATABASE" \
	   $(BIN)/python -m pytest $(PYTEST_FLAGS) --only-database -m "not browser" \
	   || touch .venv/.postgres-failed' # pg_virtualenv would print its whole log after pytest's summary
	@test ! -e .venv/.postgres-failed
	@echo "The whole suite on SQLite, with browser tests in Chromium"
	@$(BIN)/python -m pytest $(PYTEST_FLAGS)

check: .venv/.dev sysdeps
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(PACKAGES)
	$(BIN)/lint-imports --no-cache
	@sh tests/check_deploy.sh $(BIN)/python
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m tests.check_schema
	$(BIN)/python -m tests.check_messages

bench: .venv/.dev
	@sh tests/sysdeps.sh wrk
	@pg_virtualenv -o fsync=off -o synchronous_commit=off $(BIN)/python -m tests.bench

lock: .venv/.uv
	$(BIN)/uv export --quiet --no-emit-project --no-header --group demo --no-default-groups -o requirements.lock
	$(BIN)/uv export --quiet --no-emit-project --no-header --group dev --no-default-groups -o requirements-dev.lock

schema: .venv/.dev
	$(BIN)/python -m tests.check_schema --write

messages: .venv/.dev sysdeps
	@mkdir -p config/locale
	$(BIN)/python manage.py makemessages --locale zh_Hans --no-location --no-obsolete --no-wrap \
	  --ignore .venv --ignore var --ignore tests
	@sed -i -e '/^"Report-Msgid-Bugs-To:/d' -e '/^"POT-Creation-Date:/d' config/locale/zh_Hans/LC_MESSAGES/django.po
	$(BIN)/python manage.py compilemessages --ignore .venv --ignore var

clean: ## the environment and every trace of runs, the demo's data too
	rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(PACKAGES) tests -name __pycache__ -prune -exec rm -rf {} +
