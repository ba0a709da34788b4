# How a function and the layer are built; services/Makefile and shared/Makefile include this.
# `sam build` runs make in a temporary copy of CodeUri, so everything else is found from this file.
#
# LAMBDA_PYTHON names an interpreter to build for (the embedded stack's); without it the build is
# for Lambda, on any host, without Docker: for LAMBDA_ARCHITECTURE, which is to be what the template's
# parameter Architecture says.
ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
UV := $(ROOT)/.venv/bin/uv

LAMBDA_ARCHITECTURE ?= arm64
PLATFORM_arm64 := aarch64-manylinux2014
PLATFORM_x86_64 := x86_64-manylinux2014
PLATFORM := $(PLATFORM_$(LAMBDA_ARCHITECTURE))

ifdef LAMBDA_PYTHON
TARGET := --python $(LAMBDA_PYTHON) --compile-bytecode
else
ifndef PLATFORM
$(error LAMBDA_ARCHITECTURE is $(LAMBDA_ARCHITECTURE): write arm64 or x86_64)
endif
TARGET := --python-version 3.13 --python-platform $(PLATFORM)
endif
