"""bizq_lab."""
