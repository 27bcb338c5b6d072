import json
import re
from pathlib import Path

from sallyport.console.call_counters import CallCounters
from sallyport.console.metrics import render
from sallyport.tracing.record import CallRecord
from sallyport.tracing.recorder import RecorderStatus

DASHBOARD = json.loads((Path(__file__).parents[2] / "deploy" / "grafana.json").read_text())


async def test_the_dashboard_asks_for_what_there_is_and_for_all_of_it():
    counters = CallCounters()
    await counters.write([CallRecord(id="1", started_at=0.0, provider="openai", model="m", first_token_ms=1.0)])
    told = set(re.findall(r"^# TYPE (\w+)", render(RecorderStatus(), counters, [], {}, {}, money=True), re.MULTILINE))
    queries = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    asked = {re.sub(r"_bucket$", "", name) for query in queries for name in re.findall(r"sallyport_\w+", query)}
    assert asked == told - {"sallyport_recorder_recorded_total"}


def test_panels_stand_apart():
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(places)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in DASHBOARD["panels"])
