"""What each command does: `plan`, `run`, and the others. Each returns its exit status."""
