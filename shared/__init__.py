"""What the services share: the Lambda layer. Import its modules; it exports nothing itself."""
