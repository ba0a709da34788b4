"""A Bitbucket Cloud on one machine: git and LFS, signed webhooks, statuses, comments, downloads.

`python -m local.bitbucket --state-dir DIR` starts it; `local.bitbucket.client` talks to it.
"""
