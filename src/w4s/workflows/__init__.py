"""Hand-made workflows, as text in the form the meta-agent writes; they are never imported."""
