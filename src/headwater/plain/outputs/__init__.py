"""What is given out beside a prediction."""
