"""The nouns everyone shares: frozen, without I/O, without a clock. Must not know any other room."""
