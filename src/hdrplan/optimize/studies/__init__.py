"""Many plans of one case: trade-offs, uncertainty, sessions, steps."""
