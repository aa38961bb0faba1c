"""What a learner tells whoever hands rows to it: that they look like another data set's, and how far it is."""
