"""A Bitbucket Cloud on one machine: git over HTTP, signed webhooks, build statuses, comments.

`python -m local.bitbucket --state-dir DIR` starts it; `local.bitbucket.client` talks to it.
"""
