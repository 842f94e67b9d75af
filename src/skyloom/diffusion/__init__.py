"""Path, schedule, guidance, sampler."""
