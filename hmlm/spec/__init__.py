"""What a model is, as pure data: families, links, priors, the spec, and every name the user sees."""
