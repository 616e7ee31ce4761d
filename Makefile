# Casedrop. `make` alone lists what there is.
SHELL := /bin/bash
PYTHON ?= /usr/bin/python3
VENV := .venv
BIN := $(VENV)/bin
STATE ?= var
KEEP ?=
SECONDS ?= 60
SAMPLE ?= 100
SEED ?= 1
AREA ?=
PLANTED ?=
TARGET ?=
REPEAT ?=

# Debian packages that are not Python ones; see the README for what each is for.
APT := tor gnupg gpg-agent libseccomp2 python3-venv
# What only tests need: a browser, Java for the HTML validator, a font with Chinese characters, and a watcher of system calls.
TEST_APT := firefox-esr default-jre-headless fonts-noto-cjk strace
CHECKERS := build/checkers
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
CATALOGS := $(patsubst %.po,%.mo,$(wildcard dropbox/translations/*/LC_MESSAGES/messages.po))

.DEFAULT_GOAL := help
.PHONY: help demo test quick pictures crash lint fuzz mutate bench up desk desk-lock words clean install debian debian-tests checkers

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(VENV)/.installed $(CATALOGS) ## install what is missing (Debian packages, a pinned .venv)

# One check instead of an apt run each time; apt itself is asked only when something is missing.
define install_debian
	@missing=""; for package in $(1); do dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then \
	  echo "Installing Debian packages:$$missing"; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
endef

debian:
	$(call install_debian,$(APT))

debian-tests:
	$(call install_debian,$(TEST_APT))

checkers: install debian-tests ## fetch the HTML validator and the accessibility checker that the tests of the pages use
	@PYTHONPATH=tests $(BIN)/python -m support.checkers $(CHECKERS)

$(VENV)/.installed: requirements.txt | debian
	@echo "Installing Python packages into $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $$(grep ^wheel== requirements.txt)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $@

%.mo: %.po | $(VENV)/.installed
	@$(BIN)/pybabel --quiet compile --input-file $< --output-file $@

demo: install ## eight cases through a private Tor network to the offline desk, and an answer back (KEEP=1 leaves it running)
	@$(BIN)/python -m scripts.rehearsal.demo $(if $(KEEP),--keep)

test: checkers ## every test, the journey over a real onion and the pages in a real Firefox included
	@$(BIN)/python -m pytest

quick: install ## the tests that need neither tor, a whole drop, a browser, strace, a fuzzer nor the desk's one file
	@$(BIN)/python -m pytest -m "not onion and not drop and not browser and not strace and not fuzz and not zipapp"

pictures: checkers ## photograph the two pictures of the README again, from fictional cases: docs/pictures
	@CASEDROP_PICTURES=1 $(BIN)/python -m pytest -q tests/browser/test_pictures.py

crash: install debian-tests ## the test under fire at full length: 200 kills (CASEDROP_SEED=N repeats one)
	@CASEDROP_KILLS=200 $(BIN)/python -m pytest -s tests/drop/test_crash.py

lint: install ## ruff, mypy --strict, import contracts, templates, translations
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/djlint --quiet --lint templates
	@$(BIN)/python -m pytest -q tests/unit/test_architecture.py tests/unit/test_translations.py

fuzz: install ## every reader of untrusted bytes, guided by coverage (SECONDS=60 each; TARGET=name; REPEAT=file)
	@PYTHONPATH=tests:. $(BIN)/python -m fuzz --seconds $(SECONDS) $(if $(TARGET),--target $(TARGET)) $(if $(REPEAT),--repeat $(REPEAT))

mutate: install debian-tests ## plant faults and say how many the tests notice (SAMPLE=100 SEED=1, AREA=core; PLANTED=1 for the listed ones)
	@PYTHONPATH=tests:. $(BIN)/python -m mutation $(if $(PLANTED),--planted --least 95,--sample $(SAMPLE) --seed $(SEED)) $(if $(AREA),--area $(AREA))

bench: install ## speed and memory, as ratios against bare gpg and bare Argon2id; the desk with 1,000 reports and 20,000 cases
	@$(BIN)/python -m scripts.rehearsal.bench
	@$(BIN)/python -m scripts.rehearsal.bench_desk

up: install ## the service on the real Tor network (STATE=var)
	@$(BIN)/python -m onion up --state $(STATE)

desk: install ## the offline desk as one file with all that it needs: build/casedrop-desk.pyz and its SHA-256
	@$(BIN)/python -m scripts.release.pyz build/casedrop-desk.pyz

desk-lock: install ## after a change of the desk's packages: their hashes anew, in requirements-desk.txt
	@$(BIN)/python -m scripts.release.pyz --lock

words: install ## build both word lists again from their sources
	@$(BIN)/python -m scripts.release.words

clean: ## remove what was built and installed here; never STATE
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find dropbox/translations -name '*.mo' -delete
