"""What a learner keeps for its diagnosis: a sample of rows and how they came out, and what is measured on them."""
