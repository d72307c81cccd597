# Two commands matter: `make demo` runs the main job from nothing, `make test` sets up and passes.
PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= auto

.PHONY: demo test check bench-check bench-dkim bench-email bench-feeds bench-ledger bench-million bench-people bench-plan bench-web screenshots setup format requirements clean

demo: .venv/ready
	$(BIN)/disseminate demo

test: .venv/ready
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

check: .venv/ready
	$(BIN)/ruff format --check dissemination tests bench
	$(BIN)/ruff check dissemination tests bench
	$(BIN)/mypy
	$(BIN)/lint-imports

# Seconds that `disseminate check` takes, whole process; not part of the tests, since machines differ.
bench-check: .venv/ready
	$(BIN)/python bench/bench_check.py

# CPU of a signature by our signer beside the library's own.
bench-dkim: .venv/ready
	$(BIN)/python bench/bench_dkim.py

# The mail sender beside Postfix's smtp-source and beside other ways: half an hour on a quiet Linux machine with gcc.
# PAGE=docs/performance.md writes the report into that page.
bench-email: .venv/ready
	$(BIN)/python bench/bench_email.py $(if $(PAGE),--write $(PAGE))

# Seconds that 300 feeds of 30 items take after one new item.
bench-feeds: .venv/ready
	$(BIN)/python bench/bench_feeds.py

# A million recipients, with and without writing down every delivery.
bench-million: .venv/ready
	$(BIN)/python bench/bench_email.py --case million --pairs 3 $(if $(PAGE),--write $(PAGE))

# CPU of a request for feeds and pages beside nginx.
bench-web: .venv/ready
	$(BIN)/python bench/bench_web.py

# Seconds that planning 500 posts over seven networks takes, whole process.
bench-plan: .venv/ready
	$(BIN)/python bench/bench_plan.py

# Seconds and memory that a million people take: import, freezing, export, erasure.
bench-people: .venv/ready
	$(BIN)/python bench/bench_people.py

# What it costs to freeze an audience and to record each delivery.
bench-ledger: .venv/ready
	$(BIN)/python bench/bench_ledger.py 100000
	$(BIN)/python bench/bench_ledger.py 1000000

# The newsletter in Chromium (Debian: chromium), for docs/newsletter.md; look at what has changed.
screenshots: .venv/ready
	$(BIN)/python bench/screenshots.py
	$(BIN)/python bench/screenshots.py --public

setup: .venv/ready

.venv/ready: requirements-dev.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

format: .venv/ready
	$(BIN)/ruff format dissemination tests bench
	$(BIN)/ruff check --fix dissemination tests bench

# Re-pin the versions (needs uv): hashes, no index address, no record of where a package came from.
requirements:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade requirements-dev.in -o requirements-dev.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -c requirements-dev.txt requirements.in -o requirements.txt

clean:
	rm -rf .venv var dist .mypy_cache .ruff_cache .pytest_cache
