# Casedrop. `make` alone lists what there is.
SHELL := /bin/bash
PYTHON ?= /usr/bin/python3
# The environment for development, and the one for the server alone.
VENV := .venv
BIN := $(VENV)/bin
SERVER := .venv-server
STATE ?= var
KEEP ?=
SECONDS ?= 60
SAMPLE ?= 100
SEED ?= 1
AREA ?=
PLANTED ?=
TARGET ?=
REPEAT ?=
RELEASE ?= trixie
UPGRADE ?=
ONLY ?=
SIEGE ?=
MINUTES ?= 60

# Debian packages that are not Python ones; see the README for what each is for. At least Python 3.11, gpg 2.2.36 and tor
# 0.4.8 (0.4.9.11 for `make up`); scripts/release/environment.py says why.
APT := tor gnupg gpg-agent libseccomp2 python3-venv
# What only tests need: a browser, Java for the HTML validator, a font with Chinese characters, a watcher of system calls, what
# judges the package's units and profiles, and the room that files are drawn in.
TEST_APT := firefox-esr default-jre-headless fonts-noto-cjk strace systemd apparmor bubblewrap
CHECKERS := build/checkers
ENVIRONMENT := $(PYTHON) scripts/release/environment.py

.DEFAULT_GOAL := help
.PHONY: help demo test quick coverage pictures crash apart lint fuzz mutate bench soak siege up desk desk-ocr manual package deb try-deb lock words clean install server debian \
  debian-packages debian-test-packages checkers

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: debian-packages ## install what is missing (Debian packages, the locked Python packages in .venv)
	@$(ENVIRONMENT) $(VENV) requirements/dev.txt
	$(call compile_catalogs,$(BIN))

server: debian-packages ## install what the server runs and nothing else, in .venv-server
	@$(ENVIRONMENT) --bare $(SERVER) requirements/server.txt
	$(call compile_catalogs,$(SERVER)/bin)

# Another make may do the same at the same time: each writes its own file and moves it into place.
define compile_catalogs
	@trap 'rm -f "$$new"' EXIT; for po in dropbox/translations/*/LC_MESSAGES/messages.po; do mo=$${po%.po}.mo; new=$$mo.$$$$; \
	[ $$mo -nt $$po ] || why=$$({ $(1)/pybabel --quiet compile --input-file $$po --output-file $$new && mv $$new $$mo; } 2>&1) || \
	{ echo "$$mo could not be made: $${why##*$$'\n'}. Mend this, then run make again." >&2; exit 2; }; done
endef

debian-packages:
	@scripts/release/debian_packages.sh $(APT)
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON). Name a Python: make PYTHON=/path/to/python3" >&2; exit 2; }

debian-test-packages: debian-packages
	@scripts/release/debian_packages.sh $(TEST_APT)

checkers: install debian-test-packages ## fetch the HTML validator and the accessibility checker that the tests of the pages use
	@PYTHONPATH=tests $(BIN)/python -m support.checkers $(CHECKERS)

demo: install ## eight cases through a private Tor network to the offline desk, and an answer back (KEEP=1 leaves it running)
	@$(BIN)/python -m scripts.rehearsal.demo $(if $(KEEP),--keep)

# Tests spend part of their time waiting for a process or a clock, so there are more workers than
# processors. All tests together, with rooms, browsers and onions, wait half of their time; the
# quick ones only a little. The spare workers run while a processor is idle.
WORKERS ?=
SPARE ?= 6
# Tests marked alone, and those that failed, run by themselves afterwards.
parallel = --workers $(or $(WORKERS),$(shell expr $$(nproc) + $(1))) --second-try
# Each run keeps its coverage data in a place of its own, so that simultaneous runs do not mix.
MEASURED = COVERAGE_FILE=$$(mktemp -d)/coverage

# Tests start a room or a command a thousand times; this keeps them from compiling the same modules
# each time.
unexport PYTHONDONTWRITEBYTECODE

# Their files are in memory, where nothing waits for a disk, if there is room (in KiB) for the
# largest store and image. PYTEST_DEBUG_TEMPROOT=/var/tmp puts it on a disk.
ifndef PYTEST_DEBUG_TEMPROOT
export PYTEST_DEBUG_TEMPROOT := $(shell \
  [ "$$(df --output=avail /dev/shm | tail -n 1)" -gt 4000000 ] && echo /dev/shm || echo /tmp)
endif

test: checkers ## every test, the journey over a real onion and the pages in a real Firefox included
	@$(MEASURED) $(BIN)/python -m pytest $(call parallel,4) --spare-workers $(SPARE) --cov --cov-report=

quick: install ## the tests that need neither tor, a whole drop, a browser, strace, bubblewrap, a fuzzer, the desk's one file nor an installation, and take less than 0.15 s of a processor
	@$(BIN)/python -m pytest $(call parallel,2) tests/desk tests/unit \
	-m "not onion and not drop and not browser and not strace and not bubblewrap and not fuzz and not zipapp and not package and not runner and not slow and not long"

coverage: checkers ## which lines and branches no test runs: build/coverage/index.html
	@$(MEASURED) $(BIN)/python -m pytest $(call parallel,4) --spare-workers $(SPARE) --cov --cov-report=html:build/coverage

pictures: checkers ## take the README's two pictures again (docs/pictures), and pictures of all pages (build/screens)
	@CASEDROP_PICTURES=1 $(BIN)/python -m pytest -q tests/browser/test_pictures.py tests/browser/test_pages.py

crash: install debian-test-packages ## the test under fire at full length: 200 kills (CASEDROP_SEED=N repeats one)
	@CASEDROP_KILLS=200 $(BIN)/python -m pytest -s tests/drop/test_crash.py

apart: install debian-test-packages ## three desks on computers of their own, 150 cases, one restored from a backup (CASEDROP_SEED=N repeats one)
	@CASEDROP_CASES=150 CASEDROP_ACTS=14 $(BIN)/python -m pytest -s tests/desk/test_desks_apart.py

lint: install ## ruff, mypy --strict, import contracts, templates, translations
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/djlint --quiet --lint templates
	@$(BIN)/python -m pytest -q tests/unit/test_architecture.py tests/unit/test_translations.py

fuzz: install ## every reader of untrusted bytes, guided by coverage (SECONDS=60 each; TARGET=name; REPEAT=file)
	@PYTHONPATH=tests:. $(BIN)/python -m fuzz --seconds $(SECONDS) $(if $(TARGET),--target $(TARGET)) $(if $(REPEAT),--repeat $(REPEAT))

mutate: install debian-test-packages ## plant faults and say how many the tests notice (SAMPLE=100 SEED=1, AREA=core, FILE=pattern; PLANTED=1 for the listed ones)
	@PYTHONPATH=tests:. $(BIN)/python -m mutation $(if $(PLANTED),--planted --least 95,--sample $(SAMPLE) --seed $(SEED)) $(if $(AREA),--area $(AREA)) $(if $(FILE),--file '$(FILE)')

bench: install ## speed and memory, as ratios against bare gpg and bare Argon2id; the desk with 1,000 reports and 20,000 cases
	@$(BIN)/python -m scripts.rehearsal.bench
	@$(BIN)/python -m scripts.rehearsal.bench_desk
	@$(BIN)/python -m scripts.rehearsal.bench_limits
	@$(BIN)/python -m scripts.rehearsal.bench_pictures
	@$(BIN)/python -m scripts.rehearsal.bench_screen

soak: install ## a drop at half load: memory, descriptors, processes in the first, middle and last quarter (MINUTES=60)
	@$(BIN)/python -m scripts.rehearsal.soak --minutes $(MINUTES)

siege: install ## an honest claimant beside nine attacks over a private Tor network, in a quarter of an hour (SIEGE="--scale 0.1 --seconds 10": a small one)
	@$(BIN)/python -m scripts.rehearsal.siege $(SIEGE)

up: server ## the service on the real Tor network (STATE=var)
	@$(SERVER)/bin/python -m onion up --state $(STATE)

desk: install ## the offline desk as one file with all that it needs: build/casedrop-desk.pyz and its SHA-256
	@$(BIN)/python -m scripts.release.pyz build/casedrop-desk.pyz

desk-ocr: install ## what reads text out of screenshots, a second file beside the desk's: build/casedrop-desk-ocr.pyz (240 MB) and its SHA-256
	@$(BIN)/python -m scripts.release.ocr_pyz build/casedrop-desk-ocr.pyz

manual: install ## manual pages and completions of all commands: build/man, build/completion
	@$(BIN)/python -m scripts.release.manual build

debian: debian-packages ## the quick tests, the demonstration and the package on a bare Debian, as root (RELEASE=trixie or bookworm, ONLY=try-deb)
	@scripts/release/debian_packages.sh debootstrap
	@$(PYTHON) scripts/release/debian_root.py $(RELEASE) build/debian $(if $(ONLY),--only $(ONLY))

package: install ## the source package and the wheel: build/dist
	@rm -rf build/dist && mkdir -p build
	@$(BIN)/python -c "from setuptools import build_meta; build_meta.build_sdist('build/dist')" >build/package.log
	@rm -rf casedrop.egg-info
	@$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --no-index --wheel-dir build/dist build/dist/*.tar.gz
	@ls build/dist

deb: debian-packages ## the Debian package for this release of Debian, the same to the byte each time: build/deb
	@$(PYTHON) -m scripts.release.debian_package build/deb

try-deb: install deb ## install, set up, run and remove the package, only in a root that is thrown away (`make debian`)
	@PYTHONPATH=tests:. $(BIN)/python -m installation --thrown-away build/deb/casedrop_*.deb

lock: install ## write the hashes of all packages again, after a change in setup.cfg (UPGRADE=1: newer versions of what setup.cfg does not name)
	@$(BIN)/python -m scripts.release.dependency_locks $(if $(UPGRADE),--upgrade)

words: install ## build both word lists again from their sources
	@$(BIN)/python -m scripts.release.words

clean: ## remove what was built and installed here; never STATE
	rm -rf $(VENV) $(SERVER) build .mypy_cache .ruff_cache .pytest_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find dropbox/translations -name '*.mo' -delete
