# How a function and the layer are built; services/Makefile and shared/Makefile include this.
# `sam build` runs make in a temporary copy of CodeUri, so everything else is found from this file.
#
# LAMBDA_PYTHON names an interpreter to build for (the embedded stack's); without it the build is
# for Lambda, on any host, without Docker.
ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
UV := $(ROOT)/.venv/bin/uv

ifdef LAMBDA_PYTHON
TARGET := --python $(LAMBDA_PYTHON) --compile-bytecode
else
TARGET := --python-version 3.13 --python-platform aarch64-manylinux2014
endif
