"""Names of the core's codes and of an expert's running numbers, in the order of ``core/headwater.h``."""

UNKNOWN, PLAIN, SCALED, PEARSON, ANOMALY, ANOMALY_FADING = range(6)
"""Scale of errors: no labels to score · one scale for all rows · predicted by an expert · √ŷ for counts · none, since the model
predicts anomaly scores · and compares them with all earlier ones, which fade."""
HEDGED, CLASSES, NUMBERS = range(3)
"""Kinds of mixture: probabilities by fixed-share Hedge, logits, numbers."""
WINDOW = 1000
"""Number of scores kept for intervals."""
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
"""Running numbers of an expert: steps · factor on the step size after a divergence · exponential mean loss · steps undone · rows
with logits that were not finite · NAdam's product · (first expert, for all) inputs that were infinite, huge, far off, and labels
far off · weight in the mixture · (first) exponential mean error of the mixture · failure count · (first) rows that updated the
mixture · restarts."""
