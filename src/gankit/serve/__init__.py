"""Models over HTTP: `gankit serve`."""
