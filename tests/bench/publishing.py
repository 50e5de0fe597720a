"""Records published to MLflow."""

from bench.records import store
from bench.tracking.publisher import Publisher


def publish_all(out):
    """Publish every record of an output folder; return the publisher."""
    publisher = Publisher(out)
    for record in store.read_all(out):
        publisher.publish(record)
    return publisher
