"""The courier, on the online laptop: carries bundles between the vault and a medium."""
