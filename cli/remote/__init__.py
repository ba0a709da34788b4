"""`cloud-runner remote`: one EC2 instance of one's own, which always ends itself."""
