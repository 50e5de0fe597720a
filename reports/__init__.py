"""Reports from records: tables, statistics, verdicts, files. Builds no network and does not import torch."""
