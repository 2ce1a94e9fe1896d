"""Tell: messages to people that are due go out, also those that waited for quiet hours to end or were not taken."""

from prefect import flow

from tasks.alerting import deliver_messages
from tasks.failing import tell_failure
from tasks.logbook import show_telling
from tasks.results import Told


@flow(name="tell", flow_run_name="tell the people on duty", persist_result=False, on_failure=[tell_failure])
def tell() -> Told:
    """Hand over every message that is due: new ones, those held back in quiet hours, those not taken the last time.

    Each message goes out once per place, whoever delivers it. Where nobody is configured to be told (WARDROUND_ALERTS)
    the run ends at once and says so.
    """
    told = deliver_messages()
    show_telling(told)
    return told
