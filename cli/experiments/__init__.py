"""`cloud-runner experiments`: the DVC experiments queued in a working copy, run by the stack."""
