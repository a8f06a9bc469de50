// The composer: the page and the messages beside the form while someone writes, a search for components, sentences that
// can be inserted, a hint when the message contradicts the status. Every form is whole without it.
'use strict';
{
  const PAUSE = 700;
  const NARROW = '(max-width: 69.99rem)';
  const make = (name, properties = {}, ...children) => {
    const it = Object.assign(document.createElement(name), properties);
    it.append(...children);
    return it;
  };

  // The preview: what the server would publish, asked for when nothing was typed for a moment.
  const panel = document.querySelector('[data-live]');
  if (panel) {
    const form = panel.closest('form');
    const section = panel.querySelector('section');
    const words = section.querySelector('.preview');
    const tabs = make('div', { className: 'tabs', role: 'tablist', ariaLabel: 'Preview of' });
    const stage = make('div', { className: 'stage', role: 'tabpanel', tabIndex: 0 });
    let views = [];
    let chosen = 0;
    let wait;
    let asking;
    let isStale = false;
    let isOver = false;

    const show = (index) => {
      chosen = index < views.length ? index : 0;
      [...tabs.children].forEach((tab, at) => {
        tab.ariaSelected = String(at === chosen);
        tab.tabIndex = at === chosen ? 0 : -1;
      });
      stage.ariaLabel = views[chosen].name;
      const { html, text, subject } = views[chosen];
      if (!html) {
        stage.replaceChildren(...(subject ? [make('p', { className: 'subject', textContent: subject })] : []), make('pre', { className: 'message', textContent: text }));
        return;
      }
      let frame = stage.querySelector('iframe');
      if (!frame) {
        frame = make('iframe');
        frame.setAttribute('sandbox', '');
        stage.replaceChildren(frame);
      }
      frame.title = `${views[chosen].name} as visitors will see it`;
      if (frame.srcdoc !== html) frame.srcdoc = html;
    };
    const draw = () => {
      const isFocused = tabs.contains(document.activeElement);
      const isSame = views.length === tabs.children.length && views.every(({ name }, at) => tabs.children[at].textContent === name);
      if (!isSame) {
        tabs.replaceChildren(
          ...views.map(({ name }, at) => {
            const tab = make('button', { type: 'button', role: 'tab', textContent: name });
            tab.addEventListener('click', () => show(at));
            return tab;
          }),
        );
      }
      if (!tabs.isConnected) {
        section.insertBefore(tabs, words);
        section.insertBefore(stage, words);
        words.hidden = true;
        form.classList.add('is-live');
      }
      show(chosen);
      if (isFocused && !isSame) tabs.children[chosen].focus();
    };
    tabs.addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key] * (document.dir === 'rtl' ? -1 : 1);
      if (!step) return;
      event.preventDefault();
      show((chosen + step + views.length) % views.length);
      tabs.children[chosen].focus();
    });

    const parse = (html) => new DOMParser().parseFromString(html, 'text/html');
    // Without what is the same on every page: the banner and the incidents come first.
    const trim = (html) => {
      const page = parse(html);
      for (const it of page.querySelectorAll('body > header, body > footer, .skip')) it.remove();
      return `<!DOCTYPE html>${page.documentElement.outerHTML}`;
    };
    // The button and the switch name the most that the form can reach until the server has counted.
    const showRecipients = (words) => {
      if (!words) return;
      for (const it of form.querySelectorAll('.reach')) it.textContent = ` and notify ${words}`;
      const name = form.querySelector('.notify .switch > span');
      if (name) name.textContent = `Notify ${words}`;
    };
    const read = (html) => {
      const page = parse(html);
      const frames = [...page.querySelectorAll('main > section > iframe[srcdoc]')];
      const status = frames.find((it) => it.title.startsWith('/ as')) ?? frames[0];
      if (!status) return [];
      const messages = [...page.querySelectorAll('#messages > details')].map((it) => ({
        name: it.querySelector('summary').textContent,
        subject: it.querySelector(':scope > p')?.textContent,
        text: it.querySelector('pre').textContent,
      }));
      showRecipients(page.querySelector('[data-recipients]')?.textContent);
      const view = (name, it) => ({ name, html: trim(it.getAttribute('srcdoc')) });
      // The status page names a past incident in one row.
      const own = form.elements.namedItem('past') && frames.find((it) => it.title.startsWith('/incidents/'));
      return [...(own ? [view('Incident page', own)] : []), view('Status page', status), ...messages];
    };
    // One at a time: the server finishes each, and publishing waits for it.
    const ask = async () => {
      isStale = Boolean(asking);
      if (isStale || !panel.open || isOver) return;
      asking = new AbortController();
      const fields = new URLSearchParams(new FormData(form));
      fields.set('live', '1');
      for (const name of new Set(fields.keys())) {
        const usual = name === 'title' ? 'Title' : /^(update\.\d+\.)?body$/.test(name) && 'Your message shows here.';
        if (usual && !fields.get(name).trim()) fields.set(name, usual);
      }
      if (fields.get('next_update') === 'other' && !fields.get('next_update_other').trim()) fields.set('next_update', 'none');
      try {
        const response = await fetch(form.getAttribute('action'), { method: 'POST', body: fields, signal: asking.signal });
        // The session has ended.
        isOver = response.status === 401;
        const found = response.ok ? read(await response.text()) : [];
        if (!found.length) return;
        const name = views[chosen]?.name;
        views = found;
        chosen = Math.max(0, views.findIndex((view) => view.name === name));
        draw();
      } catch {
        // The preview stays as it was.
      } finally {
        asking = undefined;
        if (isStale) ask();
      }
    };
    const soon = () => {
      clearTimeout(wait);
      wait = setTimeout(ask, PAUSE);
    };
    form.addEventListener('input', soon);
    form.addEventListener('change', soon);
    form.addEventListener('submit', () => {
      clearTimeout(wait);
      isStale = false;
      asking?.abort();
    });
    panel.addEventListener('toggle', () => panel.open && soon());
    if (matchMedia(NARROW).matches && !location.hash) panel.open = false;
    else soon();
  }

  // Sentences.
  const message = document.getElementById('body');
  for (const sentence of document.querySelectorAll('[data-insert]')) {
    const button = make('button', { type: 'button', className: 'choice', textContent: sentence.textContent });
    button.addEventListener('click', () => {
      const before = message.value.trimEnd();
      message.value = before ? `${before}\n\n${sentence.textContent}` : sentence.textContent;
      message.dispatchEvent(new Event('input', { bubbles: true }));
      button.closest('details').open = false;
      message.focus();
    });
    sentence.replaceWith(button);
  }

  // The hint; the server asks with the same rule (Phase::suggested_by).
  const form = message?.form;
  const phases = form?.elements.namedItem('phase');
  if (phases && form.querySelector('[name=phase][value=resolved]')) {
    const hedges = /\b(not|never|until|when|once|if|before|be|being|partially|partly|unless)\b|n['’]t\b/i;
    const hint = make('p', { className: 'error', hidden: true });
    hint.setAttribute('aria-live', 'polite');
    (message.closest('.message-box') ?? message).after(hint);
    const check = () => {
      const says = message.value.split(/[.!?;\n]/).some((it) => /\bresolved\b/i.test(it) && !hedges.test(it));
      const is = phases.value === 'resolved';
      hint.hidden = !says || is;
      hint.textContent = hint.hidden ? '' : 'The message says “resolved”, but another status is chosen.';
    };
    form.addEventListener('input', check);
    form.addEventListener('change', check);
    check();
  }

  // Components.
  const affected = document.querySelector('[data-affected]');
  const add = affected?.querySelector('[data-add]');
  if (add) {
    const PRESET = 'degraded_performance';
    const others = affected.querySelector('[data-others]');
    const rows = affected.querySelector('.chosen');
    const input = add.querySelector('input');
    const names = add.querySelector('datalist');
    const select = (row) => row.querySelector('select');
    const waiting = () => [...others.querySelectorAll('[data-name]')];
    // A row knows where it came from, to go back to its place.
    const homes = new Map();
    const list = () => {
      names.replaceChildren(...waiting().map((row) => make('option', { value: row.dataset.name })));
      add.hidden = !waiting().length;
      others.hidden = true;
    };
    const put = (row) => {
      if (!homes.has(row)) {
        const mark = document.createComment('');
        row.before(mark);
        homes.set(row, mark);
      }
      rows.append(row);
      row.querySelector('[data-remove]').hidden = false;
      list();
    };
    const take = (row) => {
      select(row).value = '';
      row.querySelector('[data-remove]').hidden = true;
      const home = homes.get(row);
      if (home) home.after(row);
      else others.querySelector('.rows').append(row);
      select(row).dispatchEvent(new Event('change', { bubbles: true }));
      list();
      input.focus();
    };
    const find = (exact) => {
      const text = input.value.trim().toLowerCase();
      const name = (row) => row.dataset.name.toLowerCase();
      if (!text) return undefined;
      return waiting().find((row) => name(row) === text) ?? (exact ? undefined : waiting().find((row) => name(row).includes(text)));
    };
    const choose = (row) => {
      input.value = '';
      put(row);
      select(row).value ||= PRESET;
      select(row).dispatchEvent(new Event('change', { bubbles: true }));
      select(row).focus();
    };
    input.addEventListener('input', (event) => {
      // What is picked from the list, not what is still being typed.
      const row = event.inputType === 'insertReplacementText' || !event.inputType ? find(true) : undefined;
      if (row) choose(row);
    });
    input.addEventListener('change', () => {
      const row = find(true);
      if (row) choose(row);
    });
    input.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.isComposing) return;
      event.preventDefault();
      const row = find(false);
      if (row) choose(row);
    });
    affected.addEventListener('change', ({ target }) => {
      const row = target.closest('[data-name]');
      if (row && target.value && others.contains(row)) put(row);
    });
    affected.addEventListener('click', ({ target }) => {
      const button = target.closest('[data-remove]');
      if (button) take(button.closest('[data-name]'));
    });
    for (const button of rows.querySelectorAll('[data-remove]')) button.hidden = false;
    list();
  }
}
