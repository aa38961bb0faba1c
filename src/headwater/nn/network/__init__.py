"""Networks of a fixed shape on arrays."""

from .arrays import check_no_state
from .history import EarlyStopping, History
from .network import Network
from .parameters import Parameters

__all__ = ["EarlyStopping", "History", "Network", "Parameters", "check_no_state"]
