"""The arithmetic of single kinds of learners, such as anomaly models, bandits and agents."""
