"""What one does with a trained model of images beside sampling it: interpolations, projection, mixing of styles."""

from gankit.latents.interpolation import Places, Stop, interpolate, mix, painted, places_of
from gankit.latents.projection import Projection, project, read_places

__all__ = ["Places", "Projection", "Stop", "interpolate", "mix", "painted", "places_of", "project", "read_places"]
