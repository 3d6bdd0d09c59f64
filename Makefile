# Thin: each target is one command that works without make, too.
STACK ?= dev
ARGS ?=
# The dev stack makes network namespaces and VMs.
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo -E)
export PATH := $(CURDIR)/node_modules/.bin:$(CURDIR)/.venv/bin:$(PATH)

.PHONY: up preview down outputs test lint bench setup docs
up: setup
	@$(SUDO) bin/ai-how up $(STACK) $(ARGS)
preview: setup
	@bin/ai-how preview $(STACK) $(ARGS)
down:
	@$(SUDO) bin/ai-how down $(STACK) $(ARGS)
outputs:
	@$(SUDO) bin/ai-how outputs $(STACK) $(ARGS)
setup:
	@tools/setup.sh
test:
	@tools/test.sh
lint:
	@tools/setup.sh --develop --no-build
	@tools/lint.sh
# BENCH=all includes the virtual machines, which take a quarter of an hour without KVM.
bench: setup
	@$(SUDO) bench/run.sh $(BENCH)
# The site is in .ai-how/site; `mkdocs serve` shows it while you write.
docs: .venv/docs.done
	@node docs/reference.ts
# Not --quiet: it hides warnings from --strict, too.
	@NO_MKDOCS_2_WARNING=1 mkdocs build --strict
.venv/docs.done: docs/requirements.txt | setup
	@.venv/bin/python -m pip install --disable-pip-version-check -q -r docs/requirements.txt
	@touch $@
