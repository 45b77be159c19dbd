"""What the guards against untrustworthy sources are worth, measured on real histories."""
