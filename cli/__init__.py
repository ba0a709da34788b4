"""The command `cloud-runner`."""
