"""THE WALK: one case becomes one plan. Start reading here."""
