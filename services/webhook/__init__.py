"""The webhook service: see app.py."""
