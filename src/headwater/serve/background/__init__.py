"""Background tasks (the single writer, the page's history, the demo's replay)."""
