"""What a learner gives out beside a prediction: how far its sets and intervals can be trusted."""
