"""The judge: scores prediction files, knows no model, never imports torch."""
