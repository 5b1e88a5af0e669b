"""Whether a launch's grades may go to its address, by what the ``[egress]`` section allows. Pure."""

from actors.egress import Egress, EgressRefused
from daemon.ingest.events import BadEvent
from models.launch import Registration


def check_address(launch: Registration, consumer_key: str, egress: Egress) -> None:
    """
    Check the URL itself, for the consumer that launched; the address of a host name is checked at each connection.

    Raises:
        BadEvent: Nothing may be sent there. Its field is that of the URL.
    """
    try:
        egress.of(consumer_key).check_url(launch.lis_outcome_service_url)
    except EgressRefused as error:
        raise BadEvent(f"{launch.url_field}: {error}", launch.url_field) from error
