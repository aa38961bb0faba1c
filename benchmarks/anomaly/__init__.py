"""How well anomalies are found on thirteen public sets: each row is scored, then learned, and no label is seen."""
