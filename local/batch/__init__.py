"""AWS Batch on one machine: its REST-JSON, job states, retries and events; a job is a process."""
