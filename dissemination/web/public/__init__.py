"""The public pages: feeds and item pages from memory, sign-up, preferences, unsubscribing, hooks of providers."""
