"""Tasks as canvases; the pipeline."""
