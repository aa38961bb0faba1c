"""Short commands of single kinds, each in a file of its own, which goes with its kind."""

__all__ = ["SHORT"]

SHORT = (
    (
        "headwater.cli.short.forecast:forecast",
        "forecast",
        "Learn a series from a file, and forecast its next values.",
    ),
    (
        "headwater.cli.short.decide:decide",
        "decide",
        "Learn a log of decisions from a file, and estimate the rewards of simple policies.",
    ),
    ("headwater.cli.short.play:play", "play", "Train an agent in an environment."),
)
"""Where each is, its name, and what it does. One whose file is gone is left out."""
