"""Counted networks: parameters and multiply-accumulates, layer by layer."""

from bench.spec.jobs import Count, Trial
from reports.evidence import Evidence
from reports.rendering.blocks import Block, Cell, Table, make_columns
from reports.tables.observations import TOTALS, Record, select_finished
from reports.text.formatting import NOTHING, TIMES, format_count, format_fixed

BY = f"\N{NO-BREAK SPACE}{TIMES}\N{NO-BREAK SPACE}"  # keeps a shape on one line


def build_counts(evidence: Evidence) -> list[Block]:
    """Build a table of layers for each finished count."""
    return [
        _tabulate_layers(record, f"{place.study}, {place.arm}: layer by layer")
        for place, record in select_finished(evidence.placed, evidence.records)
        if isinstance(place.job, Count)
    ]


def _tabulate_layers(record: Record, caption: str) -> Table:
    network = record["network"]
    convolutions = [row for row in network["layers"] if row["kind"] == "conv"]
    sums = [
        {"name": "all convolutions", **{total: sum(row[total] for row in convolutions) for total in TOTALS}},
        {"name": "all layers", **{total: network[total] for total in TOTALS}},
    ]
    heads = "Parameters", ("Share of parameters", "%"), ("MACs", "per image"), ("Share of MACs", "%")
    return Table(
        caption,
        make_columns("Layer", "Weights", "Output", *heads, text=3),
        tuple(_layer_cells(row, network) for row in (*network["layers"], *sums)),
        sum_rows=len(sums),
    )


def _layer_cells(row: Record, network: Record) -> tuple[Cell, ...]:
    shapes = [Cell(BY.join(map(str, row[field])) if field in row else "") for field in ("shape", "output")]
    amounts = []
    for total in TOTALS:
        share = format_fixed(100 * row[total] / network[total], 2) if network[total] else NOTHING
        amounts += [Cell(f"{row[total]:,}", sort=row[total]), Cell(share, sort=row[total])]
    return Cell(row["name"]), *shapes, *amounts


def size_cell(evidence: Evidence, arm: str, baseline: str, total: str) -> Cell:
    """Make the cell of a trained arm's parameters or MACs, with the change from the baseline.

    Args:
        evidence: The study's evidence.
        arm: The arm's name.
        baseline: The baseline's name.
        total: One of TOTALS.

    Returns:
        The cell; a dash for an arm without a trial's record.
    """
    record, reference = evidence.first_network_record(arm, Trial), evidence.first_network_record(baseline, Trial)
    if record is None:
        return Cell(NOTHING)
    size = record["network"][total]
    base = reference["network"][total] if reference else size
    change = f"{format_fixed(100 * (size / base - 1), 1, signed=True)} %" if base and base != size else ""
    return Cell(format_count(size), change, size)
