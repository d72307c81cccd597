"""Room: subscribers."""
