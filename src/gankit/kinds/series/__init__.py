"""Time series: whole, or cut into windows."""
