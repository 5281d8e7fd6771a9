# The workflow in commands. All that is needed before the first of them is Python 3.11 or newer, and make.

VENV := .venv
PYTHON_IN_VENV := $(VENV)/bin/python
# Named after their contents, so that changed requirements are installed and unchanged ones cost nothing.
RUNTIME := $(VENV)/runtime-$(firstword $(shell cksum requirements/runtime.txt))
DEVELOPMENT := $(VENV)/development-$(firstword $(shell cksum requirements/development.txt))
# An installation that serves for real, as far as checks can tell.
PRODUCTION := SECRET_KEY=$$($(PYTHON_IN_VENV) -c 'import secrets; print(secrets.token_urlsafe(64))') \
	ALLOWED_HOSTS=replication.example.org REPLICATION_CLOUDS=source,destination DATABASE_URL=sqlite://:memory: \
	DEBUG=false DEMO=false

.DEFAULT_GOAL := help
.PHONY: help demo test browser lint format messages lock clean clean-var

help: ## list what there is to do
	@echo "make demo starts the dashboard with a sandbox cloud; make test runs all tests. All of it:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

demo: $(RUNTIME) ## run the dashboard, a worker and a sandbox cloud; PORT=8100 make demo moves it
	@exec $(PYTHON_IN_VENV) manage.py demo

test: $(DEVELOPMENT) browser ## run all tests; ARGS="-k words" chooses some, DATABASE_URL another database
	@$(PYTHON_IN_VENV) -m pytest $(ARGS)

browser: $(DEVELOPMENT) ## see to it that there is a Chromium for the browser tests
	@.ci/browser $(PYTHON_IN_VENV)

lint: $(DEVELOPMENT) ## check form, types, layers, templates, spelling, migrations and settings; changes nothing
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	find templates -name '*.html' -exec $(VENV)/bin/djade --check {} +
	$(VENV)/bin/typos
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	DATABASE_URL=sqlite://:memory: $(PYTHON_IN_VENV) manage.py makemigrations --check --dry-run
	@echo 'manage.py check --deploy, with the settings of an installation that serves for real'
	@$(PRODUCTION) $(PYTHON_IN_VENV) manage.py check --deploy --fail-level WARNING

format: $(DEVELOPMENT) ## bring code and templates into form
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .
	find templates -name '*.html' -exec $(VENV)/bin/djade {} +

messages: $(DEVELOPMENT) ## bring the catalogues of locale/ in step with the sources and compile them; lists what lacks
	@$(PYTHON_IN_VENV) .ci/messages.py

lock: ## decide anew which versions are installed; needs uv, and fetches it into .venv if there is none
	@.ci/lock

clean: ## remove what was installed and generated; the demo's history stays
	rm -rf $(VENV) staticfiles .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .coverage test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

clean-var: ## remove the demo's history and the sandbox's world
	rm -rf var

$(PYTHON_IN_VENV):
	@.ci/environment $(VENV)

$(RUNTIME): $(PYTHON_IN_VENV)
	@echo "Installing what the dashboard needs into $(VENV) …"
	@$(PYTHON_IN_VENV) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	@rm -f $(VENV)/runtime-*
	@touch $@

$(DEVELOPMENT): $(PYTHON_IN_VENV)
	@echo "Installing what the tests and checks need into $(VENV) …"
	@$(PYTHON_IN_VENV) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/development.txt
	@rm -f $(VENV)/development-*
	@touch $@
