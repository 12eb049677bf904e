"""Statistics of losses, all of them mergeable: batches may be evaluated anywhere and in any order."""
