"""Run folders as the page shows them: which there are, their logs, curves and previews, and how they change."""
