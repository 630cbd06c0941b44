"""Everything that touches a model: configuration, training, prediction, export."""
