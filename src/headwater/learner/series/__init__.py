"""What learners say of a series: forecasts of its next answers, and intervals from the errors of the past."""
