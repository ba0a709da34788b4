"""The submitter service: see app.py."""
