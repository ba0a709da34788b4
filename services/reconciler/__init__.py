"""The reconciler service: see app.py."""
