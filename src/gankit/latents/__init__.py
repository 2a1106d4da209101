"""What one does with a trained model of pictures beside sampling it: walks, projection, mixing of styles."""

from gankit.latents.interpolation import check_film, film_suffixes, interpolate, write_film
from gankit.latents.places import GROUPS, Places, Stop, mix, mixed_layers, painted, places_of, require_pictures
from gankit.latents.projection import Projection, project, read_places

__all__ = [
    "GROUPS",
    "Places",
    "Projection",
    "Stop",
    "check_film",
    "film_suffixes",
    "interpolate",
    "mix",
    "mixed_layers",
    "painted",
    "places_of",
    "project",
    "read_places",
    "require_pictures",
    "write_film",
]
