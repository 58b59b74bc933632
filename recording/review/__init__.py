"""The rules of quality assurance: scorecards, scores, samples and reports. Pure."""
