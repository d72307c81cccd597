"""Room: web. The public server; it knows the product by its verbs alone (dissemination.app)."""
