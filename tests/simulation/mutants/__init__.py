"""Deliberate faults of the product, each of which the simulation has to find."""
