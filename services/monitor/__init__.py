"""The monitor service: see app.py."""
