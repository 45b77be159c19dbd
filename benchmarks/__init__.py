"""Accuracy of the product beside its peers, on real series and the same folds."""
