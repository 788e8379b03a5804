"""Which catheters: the best set of each size, with a bound."""
