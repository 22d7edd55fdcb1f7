# make lab    opens the course            make test   checks everything            make site   writes it as pages
# Needs Python 3.11 or newer and make (GNU, 3.81 is enough). The rest goes into $(VENV), nothing else is touched.

VENV   ?= .venv
PYTHON ?=
ARGS   ?=

PY    := $(VENV)/bin/python
# One stamp for each place: a folder that was moved gets a new environment, whose scripts hold the new path.
HERE  := $(shell pwd | cksum | cut -d' ' -f1)
READY := $(VENV)/ready-$(HERE)
TRUST := $(VENV)/trusted-$(HERE)
BOOKS := $(wildcard notebooks/*.ipynb notebooks/solutions/*.ipynb)
START := notebooks/00_start_here.ipynb

# JupyterLab then does not ask, on its first start, whether it may fetch news; and a saved notebook shows its panels when opened.
SETTINGS := {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}, \
             "@jupyter-widgets/jupyterlab-manager:plugin": {"saveState": true}}

# uv then reads the system's certificates, as pip does: schools and companies often have their own.
export UV_SYSTEM_CERTS ?= true

.PHONY: help lab test site stress notebooks captures bench lock clean
help:
	@echo "make lab        open the course in JupyterLab        (ARGS=... for jupyter lab)"
	@echo "make test       run every test                       (ARGS=... for pytest)"
	@echo "make site       write the chapters as web pages      (ARGS=... for .ci/site/build.py)"
	@echo "make stress     what takes minutes: thousands of interrupts, hundreds of runs"
	@echo "make notebooks  run the notebooks, store the outputs (ARGS=... for .ci/notebooks.py)"
	@echo "make captures   record the captures of notebooks/captures anew (Linux)"
	@echo "make bench      measure this machine"
	@echo "make lock       choose versions anew: pyproject.toml -> requirements.txt"
	@echo "make clean      remove the environment and all caches"

# A Python that was upgraded or removed leaves a dangling link in the environment.
.PHONY: again
$(READY): $(shell test -x "$(PY)" || echo again)

# No stamp during the work: what was interrupted is made anew, what is complete is only updated.
# Candidates are run, not only looked for: a pyenv shim exists for Pythons that are not there.
$(READY): requirements.txt pyproject.toml Makefile
	@old=; python=; novenv=; export UV_VENV_CLEAR=1; \
	if uv --version >/dev/null 2>&1; then uv=yes; else uv=; fi; \
	for try in $(PYTHON) python3.13 python3.12 python3.11 python3 python python3.14 python3.15; do \
	  version=`"$$try" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null` || continue; \
	  if ! "$$try" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then old="$$old $$version"; \
	  elif test -z "$$uv" && ! "$$try" -c 'import ensurepip, venv' 2>/dev/null; then novenv=$${novenv:-$$version}; \
	  else python=$$try; break; fi; \
	done; \
	need="netlab needs Python 3.11 or newer, and found$${old:- none}. Install Python 3.13 (python.org; Debian, Ubuntu: sudo apt install python3 python3-venv; macOS: brew install python@3.13), then type make again."; \
	if test -z "$$python" && test -n "$$uv"; then \
	  uv python find --quiet 3.13 >/dev/null 2>&1 || uv python install --quiet 3.13 2>/dev/null || { echo "$$need"; exit 1; }; python=3.13; \
	elif test -z "$$python" && test -n "$$novenv"; then \
	  echo "Python $$novenv is here without its venv module. Install it (Debian, Ubuntu: sudo apt install python$$novenv-venv), then type make again."; exit 1; \
	elif test -z "$$python"; then echo "$$need"; exit 1; fi; \
	if test -e "$(READY)" && "$(PY)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then new=; rm "$(READY)"; else new=yes; fi; \
	set -e; \
	echo "Setting up $(VENV), once ..."; \
	if test -n "$$uv"; then \
	  if test -n "$$new"; then uv venv --quiet --python "$$python" "$(VENV)"; fi; \
	  uv pip install --quiet --python "$(PY)" -r requirements.txt; \
	  uv pip install --quiet --python "$(PY)" --no-deps --no-build-isolation -e .; \
	else \
	  if test -n "$$new"; then "$$python" -m venv --clear "$(VENV)"; fi; \
	  "$(PY)" -m pip --version >/dev/null 2>&1 || "$(PY)" -m ensurepip >/dev/null; \
	  "$(PY)" -m pip install --quiet --disable-pip-version-check -r requirements.txt; \
	  "$(PY)" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi; \
	mkdir -p "$(VENV)/share/jupyter/lab/settings"; \
	echo '$(SETTINGS)' > "$(VENV)/share/jupyter/lab/settings/overrides.json"; \
	touch "$(READY)"

# In a notebook that it does not trust, JupyterLab leaves out the narrow form of its pictures.
$(TRUST): $(READY) $(BOOKS)
	@test -z "$(BOOKS)" || "$(PY)" -m nbformat.sign $(BOOKS) >/dev/null
	@touch "$(TRUST)"

lab: $(READY) $(TRUST)
	@set --; \
	if test "`id -u`" = 0; then set -- "$$@" --allow-root; fi; \
	if test "`uname`" != Darwin && test -z "$$DISPLAY$$WAYLAND_DISPLAY"; then \
	  set -- "$$@" --no-browser; echo "No display here: open one of the addresses below in a browser."; fi; \
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH"; export PATH; \
	exec "$(PY)" -m jupyterlab "$$@" --LabApp.default_url=/lab/tree/$(START) \
	  --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate $(ARGS)

# All tests in three processes, for much of their time is waiting. A few chosen ones are sooner done in one.
test: $(READY)
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH"; export PATH; exec "$(PY)" -m pytest $(or $(ARGS),-n 3)

bench stress: export PYTHONPATH := tests:tests/tools
stress: $(READY)
	"$(PY)" tests/tools/stress_servers.py
	"$(PY)" tests/tools/stress_panels.py
	"$(PY)" tests/tools/stress_network.py
	"$(PY)" tests/tools/stress_ladder.py
	"$(PY)" tests/tools/stress_link.py
	STICKING_TIMES=1000 "$(PY)" -m pytest -q tests/chapters/test_message_sticking.py
	REPLAY_TALKS=500 "$(PY)" -m pytest -q tests/library/test_moments.py -k kernel
	"$(PY)" tests/tools/stress_conversations.py --seconds 300
	"$(PY)" tests/tools/stress_conversations.py --seconds 300 --busy
	"$(PY)" tests/tools/run_cpython.py --against-plain all

notebooks: $(READY)
	@"$(PY)" .ci/notebooks.py $(ARGS)

# What the pages show was stored by make notebooks: no kernel, no network.
site: $(READY)
	@"$(PY)" .ci/site/build.py $(ARGS)

captures: $(READY)
	@"$(PY)" .ci/captures.py $(ARGS)

bench: $(READY)
	@"$(PY)" tests/tools/bench.py $(ARGS)

# Only the public index counts (uv's own default), whatever uv is told on this machine; the file names no index, no path.
# Then each pin must have a wheel on each system: a learner has no compiler.
INDEX := --no-config
SYSTEMS := x86_64-manylinux_2_28 aarch64-manylinux_2_28 x86_64-apple-darwin aarch64-apple-darwin x86_64-pc-windows-msvc
lock: $(READY)
	@uv=uv; uv --version >/dev/null 2>&1 || { uv="$(PY) -m uv"; "$(PY)" -m pip install --quiet uv; }; \
	unset UV_INDEX UV_DEFAULT_INDEX UV_INDEX_URL UV_EXTRA_INDEX_URL UV_FIND_LINKS UV_CONSTRAINT UV_OVERRIDE; set -e; \
	$$uv pip compile --quiet $(INDEX) --universal --python-version 3.11 --all-extras --upgrade --no-emit-index-url \
	  --no-emit-find-links --custom-compile-command "make lock" --output-file requirements.txt pyproject.toml; \
	for system in $(SYSTEMS); do for version in 3.11 3.12 3.13; do \
	  $$uv pip install --quiet $(INDEX) --dry-run --only-binary :all: --python-platform $$system \
	    --python-version $$version --target "$(VENV)/none" -r requirements.txt; \
	done; done; \
	echo "requirements.txt: `grep -c == requirements.txt` versions, each with wheels for every system"

clean:
	rm -rf "$(VENV)" .pytest_cache .hypothesis build dist _site
	find . -name __pycache__ -prune -exec rm -rf {} + -o -name .ipynb_checkpoints -prune -exec rm -rf {} +
