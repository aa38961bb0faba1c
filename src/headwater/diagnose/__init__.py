"""Find what is wrong with a model or its data, such as overfitting, dead units or constant features."""

from headwater.diagnose.diagnosis import Diagnosis, diagnose
from headwater.diagnose.finding import Finding

__all__ = ["Diagnosis", "Finding", "diagnose"]
