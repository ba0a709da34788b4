"""`cloud-runner dlq`: what is in the dead-letter queues, and the way back out of them."""
