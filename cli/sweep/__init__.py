"""Sweeps: many points of a space, in array jobs, watched and resumed by one command."""
