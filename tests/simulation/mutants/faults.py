"""What is broken on purpose: each mutant is one mistake that somebody could make."""

from tests.simulation.mutants import jobs, messages, records, sweeps, tellings, webhooks

MUTANTS = (
    *records.MUTANTS,
    *messages.MUTANTS,
    *webhooks.MUTANTS,
    *jobs.MUTANTS,
    *sweeps.MUTANTS,
    *tellings.MUTANTS,
)
