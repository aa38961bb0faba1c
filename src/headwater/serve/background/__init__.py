"""What runs beside the requests: the one writer, the history that the page shows, the demo's replay."""
