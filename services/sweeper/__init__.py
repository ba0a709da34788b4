"""The sweeper service: see app.py."""
