"""The notifier service: see app.py."""
