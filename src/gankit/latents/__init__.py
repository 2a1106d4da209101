"""What one does with a trained model of images beside sampling it: interpolations, projection, mixing of styles."""

from gankit.latents.interpolation import (
    GROUPS,
    Places,
    Stop,
    animation_suffixes,
    check_animation,
    interpolate,
    mix,
    mixed_layers,
    painted,
    places_of,
    require_images,
    write_animation,
)
from gankit.latents.projection import Projection, project, read_places

__all__ = [
    "GROUPS",
    "Places",
    "Projection",
    "Stop",
    "animation_suffixes",
    "check_animation",
    "interpolate",
    "mix",
    "mixed_layers",
    "painted",
    "places_of",
    "project",
    "read_places",
    "require_images",
    "write_animation",
]
