"""What the product costs, as ratios from one run: `make bench`, docs/benchmarks.md."""
