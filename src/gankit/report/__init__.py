"""The report: metrics become words and figures a person can act on, as one self-contained page and as JSON."""
