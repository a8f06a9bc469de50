// The only script of the public pages. They are whole without it; it writes times in the visitor's own zone, answers on
// every day of the bars, and follows `/events` to show what is published without loading the page again.
'use strict';
{
  const on = (type, act) => document.addEventListener(type, act, true);
  const all = (selector, part = document) => [...part.querySelectorAll(selector)];

  // Times: the server writes them in the page's zone, the script in the visitor's, with the page's beside it.
  const zone = document.querySelector('[data-zone]');
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const storage = (act) => {
    try {
      return act(localStorage);
    } catch {}
  };
  let isOwn = !storage((it) => it.zone);

  const read = (at, timeZone) => {
    const options = { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' };
    const format = new Intl.DateTimeFormat('en-GB', { ...options, hourCycle: 'h23', timeZoneName: 'short', timeZone });
    const found = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
    return { ...found, month: found.month.slice(0, 3), clock: `${found.hour}:${found.minute}` };
  };
  const CLOCK = /(?:\b(\w{3}) )?(?:\b(\d+) \w{3}(?: (\d{4}))?(,?) )?\b\d\d:\d\d(?: ([A-Z]\S*))?/;
  const inOwnZone = (time) => {
    const words = time.textContent;
    if (words.match(/\d\d:\d\d/g)?.length !== 1) return;
    const [here, there] = [own, zone.dataset.zone].map((it) => read(Date.parse(time.dateTime), it));
    const isSameDay = here.day === there.day;
    if (isSameDay && here.clock === there.clock) return;
    time.dataset.was = words;
    time.title = `${there.weekday} ${there.day} ${there.month}, ${there.clock} ${there.timeZoneName}`;
    time.textContent = words.replace(CLOCK, (_, weekday, day, year, comma, name) => {
      const isWeekday = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)$/.test(weekday);
      const date = day || !(isSameDay || isWeekday) ? `${here.day} ${here.month}${year ? ' ' + here.year : ''}${day ? comma : ','} ` : '';
      const before = isWeekday ? here.weekday + ' ' : weekday ? weekday + ' ' : '';
      return before + date + here.clock + (name ? ` ${here.timeZoneName} (${there.clock} ${name})` : '');
    });
  };

  // The time of the server, known from its answers: the browser's clock may be wrong.
  let clock;
  const now = () => clock && clock.at + performance.now() - clock.mark;
  const readClock = (answer) => {
    const at = Date.parse(answer.headers.get('date'));
    if (at && !(at < now())) clock = { at, mark: performance.now() };
  };

  const grow = () => {
    if (!clock) return;
    for (const time of all('time.ago')) {
      const minutes = Math.floor((now() - Date.parse(time.dateTime)) / 60000);
      if (minutes < 1) continue;
      const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24];
      const parts = days ? [[days, 'd'], [hours, 'h']] : [[hours, 'h'], [minutes % 60, 'min']];
      const length = parts.filter(([number]) => number).map((part) => part.join(' ')).join(' ');
      const words = length + (time.closest('.said') ? ' ago' : '');
      if (time.textContent !== words) time.textContent = words;
    }
  };
  setInterval(grow, 15000);

  const localise = () => {
    grow();
    if (zone && isOwn) all('time[datetime*=T]:not(.ago)').forEach(inOwnZone);
  };
  const delocalise = () => {
    for (const time of all('[data-was]')) {
      time.textContent = time.dataset.was;
      time.removeAttribute('data-was');
      time.removeAttribute('title');
    }
  };
  const nameZone = () => {
    const at = now() ?? Date.parse(all('time[datetime*=T]').map((it) => it.dateTime).sort().pop());
    if (!at) return;
    const [here, there] = [own, zone.dataset.zone].map((it) => read(at, it));
    const place = own.split('/').pop().replaceAll('_', ' ');
    if (here.clock === there.clock) return;
    const [words, other] = zone.childNodes;
    zone.dataset.words ??= words.textContent;
    const button = other ?? zone.appendChild(document.createElement('button'));
    words.textContent = isOwn ? `All times in ${place} (${here.timeZoneName})` : zone.dataset.words;
    button.textContent = isOwn ? `Show in ${zone.dataset.words.replace(/^All times in /, '')}` : 'Show in my time';
  };
  if (zone) {
    nameZone();
    zone.addEventListener('click', ({ target }) => {
      if (target.localName !== 'button') return;
      isOwn = !isOwn;
      storage((it) => (isOwn ? it.removeItem('zone') : it.setItem('zone', 'page')));
      delocalise();
      nameZone();
      localise();
    });
  }

  // Days: the bars of a panel are one stop, the arrow keys go from day to day and from row to row, and quiet days answer too.
  const DAYS = 90;
  const TARGET = 3;
  const quiet = document.createElement('div');
  quiet.popover = 'auto';
  quiet.className = 'pop';
  quiet.id = 'p-quiet';
  const stops = new Map();
  const isPhone = matchMedia('(max-width: 40rem)');
  const barsIn = (part) => all('.bars[data-last]', part).filter((it) => it.offsetWidth);
  const startOf = (target) => Number(/t(\d) /.exec(target.className)[1] + /u(\d)/.exec(target.className)[1]);
  const targetsOf = (bars) => all('.d:not(.quiet)', bars).filter((it) => it.offsetWidth);
  const hasNoData = (bars, place) => {
    let x = 0;
    const steps = bars.querySelector('.none')?.getAttribute('d').match(/m\d+/gi) ?? [];
    return steps.some((step) => (x += Number(step.slice(1))) === place * 10 + 5);
  };
  // The target at a day: the server's, or one for a quiet day. It becomes the stop of its bars.
  const stopAt = (bars, place) => {
    const found = targetsOf(bars).find((it) => place >= startOf(it) && place < startOf(it) + TARGET);
    const last = bars.querySelector('.d.quiet');
    const target = found ?? last ?? document.createElement('button');
    const panel = bars.closest('.panel');
    for (const it of barsIn(panel)) stops.delete(it.dataset.name);
    stops.set(bars.dataset.name, place);
    for (const it of all('.d.quiet', panel)) if (it !== last) it.remove();
    if (found) last?.remove();
    else {
      const start = Math.min(Math.max(place - 1, 0), DAYS - TARGET);
      const { weekday, day, month, year } = read(Date.parse(bars.dataset.last) - (DAYS - 1 - place) * 864e5, 'UTC');
      const date = `${weekday} ${day} ${month}`;
      const words = hasNoData(bars, place) ? 'No data' : 'No incidents';
      target.className = `d quiet t${Math.floor(start / 10)} u${start % 10} ${['l', '', 'r'][place - start]}`;
      target.ariaLabel = `${bars.dataset.name}, ${date}: ${words}`;
      target.dataset.date = `${date} ${year}`;
      target.dataset.words = words;
      bars.firstChild.append(target);
    }
    for (const it of all('.d', panel)) it.tabIndex = it === target ? 0 : -1;
    if (found) target.ariaDescription = bars.dataset.name;
    return target;
  };
  const open = (target) => {
    if (target.matches('.quiet')) {
      const [date, words] = ['b', 'p'].map((name) => document.createElement(name));
      date.textContent = target.dataset.date;
      words.textContent = target.dataset.words;
      words.className = 'soft';
      quiet.replaceChildren(document.createElement('p'), words);
      quiet.firstChild.append(date);
      target.after(quiet);
    }
    const popover = target.nextElementSibling;
    if (popover?.matches('.pop:not(:popover-open)')) popover.showPopover({ source: target });
  };
  const visit = (bars, place) => {
    const target = stopAt(bars, place);
    target.focus({ preventScroll: true });
    open(target);
  };
  const stopAtBars = () => {
    for (const panel of all('.panel')) {
      const rows = barsIn(panel);
      const bars = rows.find((it) => stops.has(it.dataset.name)) ?? rows[0];
      if (!bars) continue;
      const newest = targetsOf(bars).pop();
      stopAt(bars, stops.get(bars.dataset.name) ?? (newest ? startOf(newest) : DAYS - 1));
    }
  };
  const leaveBars = () => {
    quiet.remove();
    for (const it of all('.d.quiet')) it.remove();
  };
  on('click', ({ target, clientX }) => {
    const bars = target.closest('.bars[data-last]');
    if (!bars || target.closest('.pop')) return;
    if (target.matches('.quiet')) return visit(bars, stops.get(bars.dataset.name));
    if (target.matches('.d')) return stopAt(bars, startOf(target));
    const { left, width } = bars.firstChild.getBoundingClientRect();
    const place = Math.floor(((clientX - left) / width) * DAYS);
    visit(bars, getComputedStyle(bars).direction === 'rtl' ? DAYS - 1 - place : place);
  });
  on('keydown', (event) => {
    const bars = event.target.closest('.bars[data-last]');
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!bars || !steps || !event.target.matches('.d')) return;
    event.preventDefault();
    const [aside, down] = steps;
    const rows = barsIn(bars.closest('.panel'));
    const row = rows[rows.indexOf(bars) + down];
    const step = getComputedStyle(bars).direction === 'rtl' ? -aside : aside;
    const start = startOf(event.target);
    const isQuiet = down || event.target.matches('.quiet');
    const at = isQuiet ? stops.get(bars.dataset.name) : step > 0 ? start + TARGET - 1 : start;
    const next = at + step;
    if (row && next >= (isPhone.matches ? 60 : 0) && next < DAYS) visit(row, next);
  });
  on('focusin', ({ target }) => {
    const shown = document.querySelector('.pop:popover-open');
    if (shown && !shown.parentNode.contains(target)) shown.hidePopover();
  });

  // The link of an incident or an update is copied; without a clipboard it is a link.
  on('click', (event) => {
    const link = event.target.closest('.here, .share');
    if (!link || !navigator.clipboard) return;
    if (!link.hash) event.preventDefault();
    navigator.clipboard.writeText(link.href).then(() => (link.title = 'Copied')).catch(() => {});
  });

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
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  };

  const heading = (page) => page.querySelector('h1').textContent;

  const show = (fresh, isNews) => {
    const held = document.activeElement;
    const quietPanel = held.matches('.d.quiet') && held.closest('.panel');
    delocalise();
    leaveBars();
    const before = heading(document);
    for (const part of ['header', 'main']) mend(document.querySelector(part), fresh.querySelector(part));
    document.title = fresh.title;
    document.body.className = fresh.body.className;
    if (!held.isConnected && !held.matches('.d')) {
      const name = held.id ? 'id' : 'href';
      const again = all(`[${name}]`);
      again.find((one) => one.getAttribute(name) === held.getAttribute(name))?.focus({ preventScroll: true });
    }
    const isChanged = heading(document) !== before;
    localise();
    stopAtBars();
    if (quietPanel) quietPanel.querySelector('.d[tabindex="0"]')?.focus({ preventScroll: true });
    if (isNews || isChanged) document.getElementById('live').textContent = `Updated: ${heading(document)}`;
  };

  const published = document.querySelector('main').textContent;
  localise();
  stopAtBars();
  on('toggle', ({ target }) => target.localName === 'details' && stopAtBars());

  let tag, last, revision, source, timer, failures = 0;

  const load = async (cache, isNews, tries) => {
    const answer = await fetch(location.pathname + location.search, { cache });
    readClock(answer);
    grow();
    const found = answer.headers.get('etag');
    // A cache between us may hold the copy before for some seconds.
    if (tag && found === tag && tries) setTimeout(look, 15000, cache, isNews, tries - 1);
    if (!answer.ok || (tag && found === tag)) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
    if (!fresh.getElementById('live')) return;
    const first = !tag;
    tag = found;
    if (!first || fresh.querySelector('main').textContent !== published) show(fresh, isNews);
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
