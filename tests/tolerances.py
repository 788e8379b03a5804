"""Named tolerances; each says why it is as wide as it is."""

# The same float64 sum in another order: a few units in the last place.
ROUNDOFF = 1e-12

# Sums and products of a few hundred fractions against R, whose numbers are stored with 15 digits.
R_CURVE = 1e-8
# R's iteration and ours stop at the same maximum of the partial likelihood; what is left is its flatness.
R_COX = 1e-6
# The test of proportional hazards divides by an information matrix of one lesser rank: a digit is lost.
R_ZPH = 1e-5
