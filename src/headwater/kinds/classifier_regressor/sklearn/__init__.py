"""scikit-learn estimators of a classifier and a regressor."""
