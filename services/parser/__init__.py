"""The parser service: see app.py."""
