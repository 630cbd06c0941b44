# Every target sets up what it needs; `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.stamp

.DEFAULT_GOAL := help
.PHONY: help setup train test check test-slow test-browser test-ray test-label-studio chaos fuzz audit corpus reports export bench bench-gpu bench-score bench-selection bench-few-labels app sweep lock clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

$(STAMP): constraints.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $(STAMP)

setup: $(STAMP) ## make .venv from the lock

train: $(STAMP) ## train and report the base model (runs/base/report.html)
	$(BIN)/python train/run.py --config base.yaml

check: $(STAMP) ## lint, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check ## everything CI runs: check and the fast tests
	$(BIN)/python -m pytest -n 2

test-slow: $(STAMP) ## the tests that take minutes: simulations, real training
	$(BIN)/python -m pytest -m slow

chaos: $(STAMP) ## kill programs at random and see that they end with the same bits (KILLS=25)
	$(BIN)/python tests/chaos.py --kills $(or $(KILLS),25)
	$(BIN)/python tests/chaos_scoring.py --kills $(or $(KILLS),25)

test-browser: $(STAMP) ## the pages in real headless Chromium (Debian's package)
	command -v chromium >/dev/null || (apt-get update && apt-get install -y chromium)
	npm install --silent --no-save axe-core # the accessibility check is skipped without it
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[app]'
	$(BIN)/python -m pytest -m browser

LABEL_STUDIO_VERSION := 1.23.2
LABEL_STUDIO_STAMP := .venv-label-studio/.stamp-$(LABEL_STUDIO_VERSION)

$(LABEL_STUDIO_STAMP): # a venv of its own: it wants older numpy and pyarrow
	rm -rf .venv-label-studio
	$(PYTHON) -m venv .venv-label-studio
	.venv-label-studio/bin/python -m pip install --quiet --disable-pip-version-check label-studio==$(LABEL_STUDIO_VERSION)
	touch $(LABEL_STUDIO_STAMP)

test-label-studio: $(STAMP) $(LABEL_STUDIO_STAMP) ## the round trip through a real Label Studio server (installs 1 GB beside .venv)
	LABEL_STUDIO=.venv-label-studio/bin/label-studio $(BIN)/python -m pytest -m label_studio

fuzz: $(STAMP) ## hostile input for every reader of files, bounded in time (SECONDS=300)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[fuzz]' || true
	$(BIN)/python tests/fuzz.py --seconds $(or $(SECONDS),300)

audit: $(STAMP) ## known vulnerabilities of the locked packages (needs a network)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[audit]'
	$(BIN)/python tests/audit.py

sweep: $(STAMP) ## search for better settings of the base model (TRIALS=20)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[sweep]'
	$(BIN)/python train/sweep.py --config base.yaml --space sweeps/base.yaml --study base --trials $(or $(TRIALS),20)

test-ray: $(STAMP) ## bulk scoring on a real local Ray with two workers
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[ray]'
	$(BIN)/python -m pytest -m ray

corpus: $(STAMP) ## every check on the corpus, and its figures
	$(BIN)/python data/validate.py

reports: $(STAMP) ## one page over all runs (runs/index.html)
	$(BIN)/python eval/index.py runs

export: $(STAMP) ## ONNX, fp32 and int8, of runs/base
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[onnx]'
	$(BIN)/python train/export.py --run runs/base

bench: export ## speed against the usual ways, one verdict per line (bench.json; half an hour on a quiet machine)
	$(BIN)/python bench/startup.py --run runs/base
	$(BIN)/python bench/article.py --run runs/base
	$(BIN)/python bench/infer.py --run runs/base
	$(BIN)/python bench/train.py --run runs/base --quality 0.1

bench-gpu: $(STAMP) ## training and scoring on a GPU, where there is one (a minute)
	$(BIN)/python bench/gpu.py --config base.yaml

bench-score: export ## bulk scoring: speed, memory and time a row up to a million rows (an hour)
	$(BIN)/python bench/score.py --run runs/base

bench-selection: $(STAMP) ## labels chosen by train/select.py against random ones (runs/selection.svg; an hour or two)
	$(BIN)/python bench/selection.py --config base.yaml --seeds 1,2,3

bench-few-labels: $(STAMP) ## what 50 to 1,000 labels bring (runs/few-labels.svg; one to two hours)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[setfit]'
	$(BIN)/python bench/few_labels.py --config base.yaml --seeds 1,2,3

app: $(STAMP) ## paste an article, see who stands where (extra: gradio)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[app]'
	$(BIN)/python train/app.py --runs runs

lock: ## compile constraints.txt anew
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet pip-tools
	.venv-lock/bin/pip-compile --quiet --upgrade --no-header --strip-extras --no-emit-index-url --no-emit-find-links --no-annotate --extra dev --extra audit --extra fuzz --extra setfit --extra sweep --extra tracking --output-file constraints.txt pyproject.toml
	sed -i 's/+cpu$$//' constraints.txt
	rm -rf .venv-lock

clean: ## remove .venv and caches, keep runs
	rm -rf .venv .venv-lock build .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
