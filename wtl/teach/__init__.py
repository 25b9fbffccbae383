"""Teaching: one demonstration, a trial, a retrial, in the browser."""
