"""What AWS Batch runs."""
