"""Drawn breast ultrasound frames: thousands to train on before the few hundred real ones.

They follow the descriptors of the ACR BI-RADS Atlas (Ultrasound, Mendelson et al. 2013). A benign lesion is
oval, wider than tall and sharply bounded, often with a bright rim and brighter tissue behind it; a malignant
one is irregular, may be taller than wide, with spicules, a blurred border, a bright halo or calcifications,
and casts a shadow. As in patients, some lesions look like the other kind. Nothing is measured from real
images.
"""
