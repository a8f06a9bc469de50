"""Manages a page with a client of the registry, made for Statuspage and left as it was installed.

Prints what it read as JSON. Where the client can't make sense of an answer it ends with an error.
"""

import json
import os
import sys
from datetime import datetime, timedelta, timezone

import atlassian_statuspage as statuspage
from atlassian_statuspage.rest import ApiException

url, token = sys.argv[1:]
configuration = statuspage.Configuration()
# The client has a hard-coded host; nothing else is changed.
configuration.host = f"{url}/v1"
configuration.api_key["Authorization"] = token
configuration.api_key_prefix["Authorization"] = "OAuth"
client = statuspage.ApiClient(configuration)

page = statuspage.PagesApi(client).get_pages()[0].id
components = statuspage.ComponentsApi(client)
groups = statuspage.ComponentGroupsApi(client)
incidents = statuspage.IncidentsApi(client)
updates = statuspage.IncidentUpdatesApi(client)
reviews = statuspage.IncidentPostmortemApi(client)
templates = statuspage.TemplatesApi(client)
told = {}

made = components.post_pages_page_id_components({"component": {"name": "Billing", "description": ""}}, page)
other = components.post_pages_page_id_components({"component": {"name": "Search"}}, page)
told["component"] = [made.name, made.description, made.status, other.description]
renamed = components.patch_pages_page_id_components_component_id({"component": {"name": "Invoices"}}, page, made.id)
told["renamed"] = components.get_pages_page_id_components_component_id(page, renamed.id).name

group = groups.post_pages_page_id_component_groups(
    {"description": "Money", "component_group": {"name": "Shop", "components": [made.id]}}, page)
told["group"] = [group.name, group.description, groups.get_pages_page_id_component_groups(page)[0].id == group.id]

opened = incidents.post_pages_page_id_incidents({"incident": {
    "name": "Invoices are late", "status": "investigating", "body": "We are looking into it.",
    "components": {made.id: "partial_outage"}, "component_ids": [made.id], "deliver_notifications": False}}, page)
told["opened"] = [opened.status, opened.impact, opened.components[0].status, len(opened.incident_updates)]
told["unresolved"] = [it.name for it in incidents.get_pages_page_id_incidents_unresolved(page)]
found = incidents.put_pages_page_id_incidents_incident_id(
    {"incident": {"status": "identified", "body": "A queue was full."}}, page, opened.id)
newest = found.incident_updates[0]
worded = updates.patch_pages_page_id_incidents_incident_id_incident_updates_incident_update_id(
    {"incident_update": {"body": "A queue had run full."}}, page, opened.id, newest.id)
told["worded"] = [worded.status, worded.body]
over = incidents.patch_pages_page_id_incidents_incident_id({"incident": {"status": "resolved"}}, page, opened.id)
told["over"] = [over.status, over.resolved_at is not None, over.incident_updates[0].body]

reviews.put_pages_page_id_incidents_incident_id_postmortem(
    {"postmortem": {"body_draft": "The queue has an alarm now."}}, page, opened.id)
published = reviews.put_pages_page_id_incidents_incident_id_postmortem_publish({"postmortem": {}}, page, opened.id)
told["review"] = [published.body, incidents.get_pages_page_id_incidents_incident_id(page, opened.id).status]

offset = timedelta(milliseconds=int(os.environ.get("CANDOR_TEST_CLOCK_OFFSET_MS", 0)))
begin = datetime.now(timezone.utc) + offset + timedelta(days=2)
planned = incidents.post_pages_page_id_incidents({"incident": {
    "name": "Move of the database", "status": "scheduled", "component_ids": [other.id],
    "scheduled_for": begin, "scheduled_until": begin + timedelta(hours=2), "scheduled_auto_in_progress": True}}, page)
told["planned"] = [planned.impact, planned.scheduled_auto_in_progress, planned.scheduled_auto_completed,
                   [it.id for it in incidents.get_pages_page_id_incidents_upcoming(page)] == [planned.id]]
told["listed"] = sorted(it.name for it in incidents.get_pages_page_id_incidents(page, q="move"))
template = templates.post_pages_page_id_incident_templates(
    {"template": {"name": "Late", "title": "It is late", "body": "We look.", "update_status": "investigating"}}, page)
told["template"] = [template.name, template.update_status, len(templates.get_pages_page_id_incident_templates(page))]

told["deleted"] = [
    incidents.delete_pages_page_id_incidents_incident_id(page, planned.id).name,
    groups.delete_pages_page_id_component_groups_id(page, group.id).name,
    components.delete_pages_page_id_components_component_id(page, made.id),
]
try:
    components.get_pages_page_id_components_component_id(page, made.id)
except ApiException as error:
    told["gone"] = [error.status, json.loads(error.body)["error"]]
try:
    components.post_pages_page_id_components({"component": {}}, page)
except ApiException as error:
    told["wrong"] = [error.status, json.loads(error.body)["errors"][0]["pointer"]]
print(json.dumps(told))
