"""Speed of headwater beside its rivals: scenarios with permanent ids, one environment a rival, one run side by side."""
