"""The Lambda functions, one package each."""

from shared.entry import start_loading

start_loading()
