"""What AWS Batch runs: from a commit to its results, on git, DVC and Python's standard library.

`python -m container.build job.pyz` packs it into one file. What it is told is in `settings`, the
order of its steps in `run`, how it ends in `exits`.
"""
