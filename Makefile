# make serve   serve the example application
# make test    the tests of the core, the plugins and their distributions; four minutes
#              test-all: each test under every model; test-quick: what needs no server;
#              coverage: which branches they run, in all processes
# make lint    ruff, mypy, import-linter
# make dist    build a wheel of hookserve and of each plugin that is a distribution, in dist/
# make docs    write the generated reference pages, and build the site strictly, in site/
#              docs-serve: the site on http://127.0.0.1:8008/, built anew at each change
# make chaos   break the server in every way under load, and count what its clients lose
# make hostile attack every worker model, and measure what a good client notices
# make loads   what a worker of asyncio bears: 5,000 requests at once, 1,000 websockets, clients that sleep
# make scrape  an application's own metrics while 48 workers are recycled: files and scrape stay as they are;
#              ten minutes, ARGS="--minutes 2" makes it shorter
# make screenshots  pictures of the status page in Chromium, for the guide; two minutes
# make fuzz    bytes that no client would send, and what others make of what we accept; some minutes
# make compat  configurations under gunicorn and hookserve, side by side: what is alike; two minutes
# make frameworks  applications of six ASGI frameworks, and websockets of flask-sock under each model,
#              plain and over TLS, while workers change
# make roll    three hosts behind HAProxy, then nginx, while they are restarted, reloaded, upgraded and broken;
#              root of Linux, a quarter of an hour
# make image   the guide's container image, built and run by podman, while it is reloaded, stopped, and deployed
#              by Kamal; root of Linux, ten minutes
# make cluster ARGS="IMAGE NEXT BROKEN"   the guide's manifests in the cluster of kubectl, whose nodes have these
#              images, while they are rolled out, scaled, evicted and broken; it cordons nodes; a quarter of an hour
# make autobahn
#              Autobahn's suite for websockets, with CPython 2.7 for its client; half an hour, one at
#              most; ARGS="--cases 6.*" runs some of it
# make bench   measure against other servers, and write docs/explanation/performance.md; 25 minutes
#              bench-quick: has it become slower? bench-idle: the cost of idle connections;
#              bench-marginal: what a hook or a log adds to a request; bench-off: what plugins cost
#              that are installed and off; bench-scrape: a scrape of 64 workers
#
# PYTHON=python3.13 chooses another interpreter; each has an environment of its own.

PYTHON ?= python3
BIND ?= 127.0.0.1:8000
MERMAID := mermaid@11.17.2

# pyenv's shims answer only for the selected version: look for the interpreter itself.
INTERPRETER := $(shell $(PYTHON) -c pass 2>/dev/null && echo $(PYTHON) || \
	ls $${PYENV_ROOT:-$$HOME/.pyenv}/versions/*/bin/$(PYTHON) 2>/dev/null | tail -n 1)
PYTHON2 := $(shell command -v python2.7 >/dev/null && python2.7 -c pass 2>/dev/null && echo python2.7 || \
	ls $${PYENV_ROOT:-$$HOME/.pyenv}/versions/2.7*/bin/python 2>/dev/null | tail -n 1)
VENV := .venv$(if $(filter-out python3 python,$(PYTHON)),-$(notdir $(PYTHON)))
BIN := $(VENV)/bin
DISTRIBUTIONS := $(wildcard plugins/*/pyproject.toml examples/*/pyproject.toml)

.PHONY: autobahn screenshots dist serve test test-all test-quick coverage lint docs docs-serve chaos hostile loads scrape fuzz compat frameworks roll image cluster \
	bench bench-quick bench-idle bench-marginal bench-off bench-scrape clean

serve: $(VENV)/.serve
	@echo "http://$(BIND)/ is the example application; the terminal shows its workers."
	@echo "Try: open it in a browser; kill -HUP the arbiter (its pid is in the log); Ctrl-C stops."
	@$(BIN)/hookserve --chdir examples -w 2 -b $(BIND) --access-logfile - guestbook:application

test: $(VENV)/.test
	$(BIN)/python -m tests.support.suite $(ARGS)

test-all: $(VENV)/.test
	$(BIN)/python -m tests.support.suite --everything $(ARGS)

test-quick: $(VENV)/.test
	$(BIN)/python -m pytest -m "not process and not serial" --no-process -n 2 --no-loadscope-reorder $(ARGS)

# Branches, and every process that a test starts or forks; without what measures time, which being
# measured takes from it.  A test that fails for being slow there does not keep the report back, which
# fails below the least that pyproject.toml asks for.
coverage: $(VENV)/.test
	$(BIN)/python -m pip install -q --group coverage
	rm -f .coverage .coverage.*
	-$(BIN)/python -m coverage run -m pytest -m "not serial and not everywhere" -n 4 --no-loadscope-reorder -q $(ARGS)
	$(BIN)/python -m coverage combine -q
	$(BIN)/python -m coverage report --skip-covered

lint: $(VENV)/.test $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

dist: $(VENV)/.test
	rm -rf dist
	for project in . $(patsubst %/pyproject.toml,./%,$(filter plugins/%,$(DISTRIBUTIONS))); do \
		$(BIN)/python -m build -q --wheel --no-isolation --outdir dist $$project || exit 1; \
	done
	@ls dist

docs: $(VENV)/.serve $(VENV)-docs/.site docs/assets/mermaid.min.js
	$(BIN)/python docs/generate.py
	$(VENV)-docs/bin/mkdocs build --quiet --clean

docs-serve: $(VENV)-docs/.site docs/assets/mermaid.min.js
	$(VENV)-docs/bin/mkdocs serve -a 127.0.0.1:8008

screenshots: $(VENV)/.test
	$(BIN)/python -m tests.screenshots $(ARGS)

chaos: $(VENV)/.test
	$(BIN)/python -m tests.chaos $(ARGS)

hostile: $(VENV)/.test
	$(BIN)/python -m tests.hostile $(ARGS)

loads: $(VENV)/.test
	$(BIN)/python -m tests.loads $(ARGS)

scrape: $(VENV)/.test
	$(BIN)/python -m tests.scrape $(ARGS)

fuzz: $(VENV)-fuzz/.installed
	$(VENV)-fuzz/bin/python -m tests.fuzz $(ARGS)

compat: $(VENV)/.test $(VENV)-compat/.installed
	$(BIN)/python -m tests.compat --gunicorn $(abspath $(VENV)-compat)/bin/gunicorn $(ARGS)

frameworks: $(VENV)-frameworks/.installed
	$(VENV)-frameworks/bin/python -m pip install -q -e ./plugins/gevent -e ./plugins/eventlet
	$(VENV)-frameworks/bin/python -m tests.frameworks $(ARGS)

roll: $(VENV)-roll/.installed
	$(VENV)-roll/bin/python -m tests.roll $(ARGS)

image: $(VENV)-image/.installed
	$(VENV)-image/bin/python -m tests.image $(ARGS)

cluster: $(VENV)-image/.installed
	$(VENV)-image/bin/python -m tests.cluster $(ARGS)

autobahn: $(VENV)/.test .venv-autobahn/.installed
	$(BIN)/python -m tests.autobahn --python $(PYTHON2) --library .venv-autobahn $(ARGS)

bench: $(VENV)-bench/.installed
	$(VENV)-bench/bin/python -m benchmarks $(ARGS)

bench-quick: $(BIN)/python
	$(BIN)/python -m benchmarks.quick $(ARGS)

bench-idle: $(BIN)/python
	$(BIN)/python -m benchmarks.idle $(ARGS)

bench-marginal: $(VENV)/.serve
	$(BIN)/python -m benchmarks.marginal $(ARGS)

bench-off: $(VENV)/.serve
	$(BIN)/python -m benchmarks.off $(ARGS)

bench-scrape: $(VENV)/.serve
	$(BIN)/python -m benchmarks.scraping $(ARGS)

clean:
	rm -rf .venv .venv-* benchmarks/.venv-* dist site docs/assets/mermaid.min.js

$(BIN)/python:
	@test -n "$(INTERPRETER)" || { echo "$(PYTHON) is not installed"; exit 1; }
	@echo "making a virtual environment in $(VENV); the first time takes up to half a minute"
	$(INTERPRETER) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip

$(VENV)/.serve: pyproject.toml | $(BIN)/python
	@echo "installing hookserve from this directory in $(VENV)"
	$(BIN)/python -m pip install -q -e .
	@touch $@

$(VENV)/.test: pyproject.toml $(DISTRIBUTIONS) $(VENV)/.serve
	$(BIN)/python -m pip install -q --group test $(addprefix -e ,$(patsubst %/pyproject.toml,./%,$(DISTRIBUTIONS)))
	@touch $@

$(VENV)/.lint: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q --group lint
	@touch $@

$(VENV)-docs/.site: pyproject.toml
	@test -n "$(INTERPRETER)" || { echo "$(PYTHON) is not installed"; exit 1; }
	$(INTERPRETER) -m venv $(VENV)-docs
	$(VENV)-docs/bin/python -m pip install -q --upgrade pip
	$(VENV)-docs/bin/python -m pip install -q --group docs
	@touch $@

# The site loads nothing from elsewhere, so the script that draws the diagrams is part of it.
docs/assets/mermaid.min.js:
	@mkdir -p $(@D)
	@if command -v npm >/dev/null; then \
		cd $(@D) && npm pack --silent $(MERMAID) >/dev/null && \
		tar -xzf mermaid-*.tgz --strip-components=2 package/dist/mermaid.min.js && rm mermaid-*.tgz; \
	else \
		echo "npm is not installed: the site shows its diagrams as text"; touch $@; \
	fi

# hookserve runs without gunicorn there, as where it has replaced it.
$(VENV)-compat/.installed: pyproject.toml
	@test -n "$(INTERPRETER)" || { echo "$(PYTHON) is not installed"; exit 1; }
	$(INTERPRETER) -m venv $(VENV)-compat
	$(VENV)-compat/bin/python -m pip install -q --upgrade pip
	$(VENV)-compat/bin/python -m pip install -q --group compat
	@touch $@

# The suite needs CPython 2.7, for which there are no virtual environments any more; and Twisted of
# that day expects that zope is a package.
.venv-autobahn/.installed:
	@test -n "$(PYTHON2)" || { echo "CPython 2.7 is not installed (pyenv install 2.7.18)"; exit 1; }
	@echo "installing Autobahn's suite in .venv-autobahn"
	$(PYTHON2) -m pip install -q --disable-pip-version-check --upgrade --target .venv-autobahn \
		"autobahntestsuite>=25,<26"
	@touch .venv-autobahn/zope/__init__.py $@

# fuzz and bench: packages that are of no use to anything else, and not there for every interpreter.
$(VENV)-%/.installed: pyproject.toml
	@test -n "$(INTERPRETER)" || { echo "$(PYTHON) is not installed"; exit 1; }
	$(INTERPRETER) -m venv $(VENV)-$*
	$(VENV)-$*/bin/python -m pip install -q --upgrade pip
	$(VENV)-$*/bin/python -m pip install -q -e . --group $*
	@touch $@
