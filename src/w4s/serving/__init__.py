"""A workflow behind an OpenAI-compatible endpoint."""
