"""The embedded stack: AWS, Batch and Bitbucket on one machine."""
