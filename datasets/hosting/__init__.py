"""Upload and download of published versions."""
