"""Fast approximations of a posterior, on the log density that is sampled; and what their draws are worth."""
