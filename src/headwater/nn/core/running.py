"""Names of the core's codes and of an expert's running numbers, in the order of ``core/headwater.h``."""

UNKNOWN, PLAIN, SCALED, PEARSON, ANOMALY = range(5)
"""How wide answers spread: no answers to score · all rows have one scale · the scale expert's · √ŷ, that of a count · there are
no answers, and what is predicted is how unusual a row is."""
HEDGED, CLASSES, NUMBERS = range(3)
"""How experts are mixed: probabilities by fixed-share Hedge, logits, numbers."""
WINDOW = 1000
"""How many scores are kept for intervals."""
(
    STEPS,
    STEP_SCALE,
    FADING_LOSS,
    UNDONE,
    OVERFLOW,
    PRODUCT,
    INFINITE,
    HUGE,
    FAR,
    FAR_TARGET,
    WEIGHT,
    ERROR,
    FAILING,
    MIXED,
    REINITIALISED,
) = range(15)
"""The running numbers of an expert: steps taken · factor on the step after a divergence · fading mean loss · steps undone ·
rows whose logits were not finite · NAdam's product · (of the first expert, for all) inputs that were infinite, huge, far off,
and answers so · weight in the mixture · (of the first) fading error of the mixture · how long it has known less than nothing
· (of the first) rows that moved the mixture · how often it began anew."""
