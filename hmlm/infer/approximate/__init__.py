"""Fast approximations of a posterior, on the log density that NUTS samples; and what their draws are worth."""
