"""What was measured, drawn by matplotlib as SVG."""
