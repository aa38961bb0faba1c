"""Sessions over a stream (prequential metrics, drift detection, delayed labels, policies)."""
