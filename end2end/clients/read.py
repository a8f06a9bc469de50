"""Reads the feeds and the calendar of a page with the libraries that feed readers and calendars are made of.

Prints what they understood as JSON; a feed that is not well-formed ends it with an error.
"""

import json
import sys
import urllib.request

import feedparser
import icalendar


def feed(address):
    read = feedparser.parse(address)
    if read.bozo:
        sys.exit(f"{address}: {read.bozo_exception}")
    entries = [{"id": it.id, "title": it.title, "link": it.link, "text": (it.get("content") or [it.summary_detail])[0].value}
               for it in read.entries]
    return {"version": read.version, "title": read.feed.title, "entries": entries}


def calendar(address):
    with urllib.request.urlopen(address) as answer:
        read = icalendar.Calendar.from_ical(answer.read())
    return [{"uid": str(it["uid"]), "summary": str(it["summary"]), "start": it["dtstart"].dt.isoformat()}
            for it in read.walk("VEVENT")]


page = sys.argv[1]
print(json.dumps({
    "atom": feed(f"{page}/history.atom"),
    "rss": feed(f"{page}/history.rss"),
    "calendar": calendar(f"{page}/maintenance.ics"),
}))
