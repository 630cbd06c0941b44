"""Behaviour checks in CheckList's sense (Ribeiro et al. 2020): hand-written cases, and how predictions on them are judged."""
