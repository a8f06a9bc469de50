// The only script of the public pages. They are whole without it; it names times in the visitor's own
// zone, and follows `/events` to show what is published without loading the page again.
'use strict';
{
  const TIME = 'time[datetime*=T]';
  const day = { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' };
  const clock = new Intl.DateTimeFormat(undefined, { ...day, hour: '2-digit', minute: '2-digit', timeZoneName: 'short' });
  const zone = clock.resolvedOptions().timeZone;

  // A note beside the time it is about, for the pointer and the keyboard alike; Escape puts it away.
  const note = document.createElement('div');
  note.popover = 'manual';
  note.style = 'inset:auto;margin:0';
  let told;

  const place = () => {
    if (!told) return;
    const { left, bottom } = told.getBoundingClientRect();
    note.style.top = bottom + 'px';
    note.style.left = Math.min(left, innerWidth - note.offsetWidth) + 'px';
  };
  // What is read out belongs to who has the focus: the time, or the link that speaks for it.
  const tell = (time, reader = time) => {
    if (time === told || !note.showPopover) return;
    note.hidePopover();
    told = time;
    if (!time) return;
    document.body.append(note);
    reader.ariaDescription = note.textContent = `Your time: ${clock.format(new Date(time.dateTime))} (${zone})`;
    note.showPopover();
    place();
  };
  // In a list of what is over, the link of an entry speaks for its time. Every other time is a stop of its own.
  const timeOf = (target) => target?.closest(TIME) ?? target?.closest('.past')?.querySelector(TIME);
  const stops = () => {
    for (const time of document.querySelectorAll(TIME)) if (!time.closest('.past, a')) time.tabIndex = 0;
  };
  const on = (type, act) => document.addEventListener(type, act, true);
  stops();
  on('focusin', ({ target }) => tell(timeOf(target), target));
  on('focusout', () => tell());
  on('pointerover', ({ target }) => target === note || tell(target.closest(TIME) ?? timeOf(document.activeElement)));
  on('keydown', ({ key }) => key === 'Escape' && tell());
  on('scroll', place);

  const key = (node) => node.nodeName + (node.id || node.textContent);
  const isAlike = (a, b) => a.nodeName === b.nodeName && a.id === b.id && a.className + '' === b.className + '';

  // Makes `old` say what `fresh` says. What stays is the same node: focus, selection and scroll stay.
  const mend = (old, fresh) => {
    // A form belongs to who fills it in.
    if (old.nodeName === 'FORM' || old.isEqualNode(fresh)) return;
    if (old.nodeType !== 1) return (old.nodeValue = fresh.nodeValue);
    // Whether details stand open is the reader's choice, and a stop stays one.
    const kept = ['open', 'tabindex', 'aria-description'];
    for (const { name, value } of fresh.attributes) if (!kept.includes(name)) old.setAttribute(name, value);
    for (const { name } of [...old.attributes]) {
      if (!kept.includes(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
    }
    const coming = [...fresh.childNodes];
    const keys = coming.map(key);
    let at = old.firstChild;
    coming.forEach((node, i) => {
      const standing = [];
      for (let next = at; next; next = next.nextSibling) standing.push(next);
      const later = keys.slice(i);
      const match = node.nodeType === 1
        ? standing.find((one) => key(one) === keys[i]) ??
          standing.find((one) => isAlike(one, node) && !later.includes(key(one)))
        : standing.slice(0, 1).find((one) => isAlike(one, node));
      if (!match) return old.insertBefore(document.importNode(node, true), at);
      for (const one of standing.slice(0, standing.indexOf(match))) one.remove();
      at = match.nextSibling;
      mend(match, node);
    });
    while (at) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  };

  const heading = (page) => page.querySelector('h1').textContent;

  const show = (fresh, isNews) => {
    const before = heading(document);
    const held = document.activeElement;
    for (const part of ['header', 'main']) mend(document.querySelector(part), fresh.querySelector(part));
    if (!told?.isConnected) tell();
    stops();
    document.title = fresh.title;
    document.body.className = fresh.body.className;
    if (!held.isConnected) {
      const name = held.id ? 'id' : 'href';
      const again = [...document.querySelectorAll(`[${name}]`)];
      again.find((one) => one.getAttribute(name) === held.getAttribute(name))?.focus({ preventScroll: true });
    }
    const now = heading(document);
    if (isNews || now !== before) document.getElementById('live').textContent = `Updated: ${now}`;
  };

  let tag, last, revision, source, timer, failures = 0;

  const load = async (cache, isNews, tries) => {
    const answer = await fetch(location.pathname + location.search, { cache });
    const found = answer.headers.get('etag');
    // A cache between us may hold the copy before for some seconds.
    if (tag && found === tag && tries) setTimeout(look, 15000, cache, isNews, tries - 1);
    if (!answer.ok || (tag && found === tag)) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
    if (!fresh.getElementById('live')) return;
    const first = !tag;
    tag = found;
    if (!first || fresh.querySelector('main').textContent !== document.querySelector('main').textContent) {
      show(fresh, isNews);
    }
  };
  // One at a time, so that an older answer never replaces a newer one. A failure is made up for later.
  let turn = Promise.resolve();
  const look = (...how) => (turn = turn.then(() => load(...how)).catch(() => {}));

  const follow = () => {
    clearTimeout(timer);
    if (source || document.hidden) return;
    source = new EventSource('/events' + (last ? '?last=' + encodeURIComponent(last) : ''));
    source.onopen = () => (failures = 0);
    const revisionOf = (event) => JSON.parse(event.data).revision;
    source.addEventListener('here', (event) => (revision = revisionOf(event)));
    source.addEventListener('published', (event) => {
      const next = revisionOf(event);
      const isNews = next !== revision;
      last = event.lastEventId;
      revision = next;
      // Not everybody in the same instant.
      setTimeout(look, Math.random() * 500, 'no-cache', isNews, location.pathname === '/' ? 3 : 0);
    });
    // It comes back by itself, unless it was refused: then the page is asked for now and again.
    source.onerror = () => {
      if (source?.readyState !== EventSource.CLOSED) return;
      source = undefined;
      const wait = failures++ ? 30000 + Math.random() * 30000 : Math.random() * 4000;
      timer = setTimeout(() => look('no-cache').then(follow), wait);
    };
  };

  // A hidden page holds no connection: browsers have few of them for each server.
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) return follow();
    source?.close();
    source = undefined;
    clearTimeout(timer);
    failures = 0;
  });

  if (!navigator.connection?.saveData) {
    // The copy just loaded, from the browser's cache: its tag says which events are no news.
    look('force-cache').then(() => {
      if (location.pathname === '/') last = tag;
      follow();
    });
  }
}
