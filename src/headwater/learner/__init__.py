"""The base class of learners and the code shared by all kinds."""
