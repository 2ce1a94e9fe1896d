"""Decision, event, retraining, approval, promotion: watched in the Prefect UI, approved at the desk, nothing typed."""

import contextlib
import secrets

import pytest

from wardround import ledger, services
from wardround.errors import ServiceFailed
from wardround.services.api import call

pytestmark = pytest.mark.slow


def asked(url, body=None):
    """Ask Prefect; None while its database is busy."""
    with contextlib.suppress(ServiceFailed):
        return call(url, body)


@pytest.fixture(scope="module")
def hospital(new_hospital):
    """The hospital with Prefect, a worker, and the desk beside them."""
    server = services.PrefectServer(new_hospital.settings.home, port=services.free_port())
    with pytest.MonkeyPatch.context() as patch:
        for name, value in new_hospital.environment.items():
            patch.setenv(name, value)
        try:
            server.start()
            services.deploy(server.api_url, new_hospital.settings)
            worker = services.Worker(server.api_url, new_hospital.settings)
            worker.start()
            try:
                with new_hospital.at_the_desk(str(new_hospital.folder / "heart.py"), PREFECT_API_URL=server.api_url):
                    yield new_hospital, server
            finally:
                worker.stop()
        finally:
            server.stop()


def start_round(hospital, api) -> None:
    deployment = asked(f"{api}/deployments/name/round/round")["id"]
    wanted = {
        "parameters": {
            "use_case": str(hospital.folder / "heart.py"), "source": str(hospital.delivery("hungary")),
            "label": "hungary",
        },
        "idempotency_key": secrets.token_hex(8),
    }  # fmt: skip
    while asked(f"{api}/deployments/{deployment}/create_flow_run", wanted) is None:
        pass


def test_the_path_from_a_decision_to_a_champion_is_seen_in_the_prefect_ui(hospital, seated, passphrase, patience):
    at_work, server = hospital
    watching = seated(server.ui_url)

    def see(words: str) -> None:
        watching.page.get_by_text(words).first.wait_for(timeout=patience)

    start_round(at_work, server.api_url)
    watching.go("/runs")
    see("round of heart: hungary → train again (covariate shift)")
    see("retrain heart: covariate shift → waits for a person")
    see("Suspended")
    assert at_work.champion() == at_work.first

    amara = seated(at_work.desk, "amara")
    amara.follow("1 approval", tag="a")
    amara.follow("heart_disease", tag="a")
    amara.choose("Promote")
    amara.write("Reason", "read the verdict with cardiology")
    amara.write("Your passphrase", passphrase("amara"))
    amara.follow("Sign and send", tag="button")
    assert "Prefect looks at it now" in amara.text()

    see("→ promoted")  # the page is not loaded again: what happens is seen as it happens
    champion = at_work.champion()
    assert champion != at_work.first
    amara.go("/")
    assert champion[:12] in amara.text()
    (*_, promoted) = ledger.entries(at_work.store, kind="promotion")
    assert promoted.subject == champion
    assert "amara" in promoted.actor
    for event in ("wardround.decision.retrain", "wardround.approval.requested"):
        watching.go(f"/events?events={event}")
        see(event)
    assert amara.complaints == []
