"""Named tolerances; each says why it is as wide as it is."""

# The same float64 sum in another order: a few units in the last place.
ROUNDOFF = 1e-12
