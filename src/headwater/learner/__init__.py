"""4 LEARN: the classifier and the regressor, thin faces over the core; ``base`` is what other rooms know of them."""
