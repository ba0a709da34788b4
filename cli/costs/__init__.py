"""What the runner costs, computed from the templates, counted calls and public prices.

`python -m cli.costs` writes docs/cost.md. The prices are in prices.toml, with the date of each; the
quantities that no template tells are in quantities.py, and a test compares them with the services.
"""
