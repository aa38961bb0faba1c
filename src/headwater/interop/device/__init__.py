"""Export a learner as a program in C for a microcontroller, where it goes on learning to the same bits."""

from headwater.interop.device.export import export_device
from headwater.interop.device.state import columns_of, digest, image, take_back

__all__ = ["columns_of", "digest", "export_device", "image", "take_back"]
