"""`cloud-runner deploy` and `undeploy`: the root stack of an environment, in an AWS account."""
