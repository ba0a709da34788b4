"""`cloud-runner push replay`: makes good what a lost webhook would have said."""
