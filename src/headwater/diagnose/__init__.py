"""10 UNDERSTAND: what is wrong with a model or its data, said before anybody asks."""

from headwater.diagnose.diagnosis import Diagnosis, diagnose
from headwater.diagnose.finding import Finding

__all__ = ["Diagnosis", "Finding", "diagnose"]
