# The developer's entrances; .ci/run calls `make check` in a fresh environment.
JOBS ?= 2
READERS ?= .venv-readers
export OMP_WAIT_POLICY = PASSIVE

.PHONY: check lint types imports docs test slow readers format

check: lint types imports docs test

lint:
	ruff check .
	ruff format --check .

types:
	mypy

imports:
	lint-imports

# site/index.html, with a reference of commands and API; every warning is an error
docs:
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict

test:
	pytest -q -n $(JOBS) --cov --cov-report=term:skip-covered

slow:
	pytest -q -m slow

# Exports opened by Datumaro too, whose pins differ from ours.
readers:
	python3 -m venv $(READERS)
	$(READERS)/bin/pip install -q -c constraints-readers.txt -e ".[readers]"
	$(READERS)/bin/pytest -q tests/data/annotations/test_other_readers.py

format:
	ruff check --fix .
	ruff format .
