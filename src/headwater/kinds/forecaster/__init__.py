"""The kind of forecasts of a series."""
