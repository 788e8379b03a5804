"""Named tolerances; each says why it is as wide as it is."""

# The same float64 sum in another order: a few units in the last place.
ROUNDOFF = 1e-12

# Sums and products of a few hundred fractions against R, whose numbers are stored with 15 digits.
R_CURVE = 1e-8
# R's iteration and ours stop at the same maximum of the partial likelihood; what is left is its flatness.
R_COX = 1e-6
# The test of proportional hazards divides by an information matrix of one lesser rank: a digit is lost.
R_ZPH = 1e-5
# The kernel against its naive twin: two formulas for beta, of which the naive one is a difference of two angles and
# loses digits close to the axis and far away (1e-16 times r / L over sin theta).
NAIVE = 1e-7

# Positions of 300 mm are exact to 6e-14 mm; near a source the rate changes by 1 in 1 mm.
MOVED = 1e-10

# BrachyVision prints point doses with five decimals and interpolates its own tables.
BRACHYVISION = 5e-4
# R finds Turnbull's masses by another algorithm with its own stopping rule; ours carries a certificate.
R_NPMLE = 1e-5
# The variance of the frailty maximises a flat profile; R stops it on its own rule. The same for crr's errors.
R_FRAILTY = 1e-3

# D0.1cc, D2cc and the median dose of solids of 15 to 35 cc, in a field that falls with the square of the distance from
# a point 10 mm outside, against their exact values, by slice distance in mm (pixels of 1 mm): relative. A surface that
# lies 0.1 mm off changes such a D0.1cc by 2 %; masks of 5 mm slices have volumes up to 3 % off.
SOLID_DOSES = {1.0: (0.02, 0.012, 0.006), 2.5: (0.02, 0.015, 0.01), 5.0: (0.05, 0.035, 0.02)}
# Farthest point of the sampled surface from where it should be, in mm. Rims of cylinders are rounded, and a slanted rim
# between thick slices is guessed.
SOLID_FARTHEST_MM = {1.0: 0.3, 2.5: 0.75, 5.0: 1.0}
# The tip of a cone lies between the last voxel centre inside it and the next: a slice.
CONE_TIP_SLICES = 1.2
# float32 tables against float64: what hdrplan promises beyond 2 mm from a dwell, and nearer.
TABLE = 2e-4
TABLE_NEAR = 1e-3

# A dose grid made of blocks against the exact dose, beyond 1 mm from every capsule: what hdrplan promises.
BLOCKS = 1e-3

# Plain Python against compiled code: contraction to fused multiply-adds, sums in another order.
JIT_OFF = 1e-11
# The same in float32.
JIT_OFF_FLOAT32 = 1e-5

# A dose summed from float32 dose rates over some tens of dwells: each is rounded at 6e-8.
FLOAT32_SUM = 1e-6

# A ray that is looked at every step: its length in a target is off by half a step at each of its two ends, and by as
# much again where it begins inside.
RAY_STEPS = 2.0

# Two optima of one program, or an optimum and its bound: the stated slack between objectives (3e-7), the margin under
# the limits (1e-8) and their prices.
PRIMAL_DUAL = 1e-6

# Mass attenuation and energy absorption of water, air and bone against NIST's four digits, 30 to 800 keV: what the
# compilations differ by (photoelectric and coherent cross sections of xraylib, our own incoherent ones).
NIST_COEFFICIENTS = 2e-3

# Air kerma per photon that starts in a core against egs_brachy's: what issue and literature ask for.
AIR_KERMA_PER_PHOTON = 3e-3
# Kerma of a tissue as the sum of four base media, 20 to 700 keV: found to be 1e-4 at most.
MIXED_KERMA = 2e-4
