"""Who spends near a cap is told of it by webhook: thresholds crossed are raised once, in SQL, and delivered until they arrive."""
