"""What a report of an unfinished run says first."""

from reports.rendering.blocks import Note

LAST_FILES = "report.pdf, report.json and trials.csv"


def build_progress(done: int, total: int, is_running: bool) -> list[Note]:
    """Build the note on an unfinished run; none for a whole one.

    Args:
        done: Number of trials with a record.
        total: Number of trials that the run needs.
        is_running: Whether the run goes on.
    """
    count = f"{done:,} of {total:,} trials"
    if is_running:
        text = (
            f"This page is renewed, and reloads itself, while the run is in progress. {LAST_FILES} are written when it "
            "ends: any beside this page are older. If the run was stopped, run the same command again to continue."
        )
        return [Note(f"In progress: {count}; verdicts may change", text, prominent=True)]
    if done < total:
        text = "The verdicts are those of the records so far, and may change."
        return [Note(f"Incomplete: {count}; run the same command again", text, prominent=True)]
    return []
