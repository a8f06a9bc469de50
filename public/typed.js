// What was typed outlives an answer that never came: what was changed in a form is kept until a page says that it was
// saved, and offered where the form is opened again. Nothing is filled in unasked. A composer (a form with a message)
// is kept in the browser, any other form in the tab. A form of something new has its own id, so that two of them are
// never mixed. Passwords, codes and hidden fields are never kept. Every page is whole without it.
'use strict';
{
  const BEGIN = 'candor.typed.';
  const SENT = 'candor.sent';
  const MOST = 10;
  const SECRET = /password|current|code|credential/;
  const KINDS = 'textarea, select, input:not([type=hidden], [type=password], [type=submit], [type=file])';

  const address = (form) => BEGIN + new URL(form.getAttribute('action'), location.href).pathname;
  const ownId = (form) => form.elements.namedItem('new_id')?.value ?? '';
  const place = (form) => (ownId(form) ? `${address(form)}#${ownId(form)}` : address(form));
  const storage = (form) => (form.querySelector('textarea:is([name=body], [name$=".body"])') ? localStorage : sessionStorage);
  const controls = (form) =>
    [...form.elements].filter((it) => it.matches(KINDS) && it.name && !it.readOnly && !it.hidden && !SECRET.test(it.name));
  const isChoice = (it) => it.matches('[type=checkbox], [type=radio]');
  const name = (it) => (isChoice(it) ? `${it.name}=${it.value}` : it.name);
  const value = (it) => (isChoice(it) ? it.checked : it.value);
  const isChanged = (it) => {
    if (isChoice(it)) return it.checked !== it.defaultChecked;
    if (it.matches('select')) return [...it.options].some((one) => one.selected !== one.defaultSelected);
    return it.value !== it.defaultValue;
  };

  const read = (form, key) => {
    try {
      return JSON.parse(storage(form).getItem(key)) ?? {};
    } catch {
      return {};
    }
  };
  const forget = (key) => [localStorage, sessionStorage].forEach((kept) => kept.removeItem(key));
  const keep = (form) => {
    const kept = read(form, place(form));
    for (const it of controls(form)) if (isChanged(it) || name(it) in kept) kept[name(it)] = value(it);
    if (!Object.keys(kept).length) return;
    try {
      storage(form).setItem(place(form), JSON.stringify(kept));
    } catch {
      // Where nothing more can be kept, the form is as it would be without this script.
      return;
    }
    const note = document.getElementById('body-note');
    if (note && storage(form) === localStorage) note.textContent = 'Markdown. Saved locally as you type.';
  };

  // What is kept of this form; for something new, of every one that was left.
  const keys = (form) => {
    if (!ownId(form)) return [address(form)];
    const all = Object.keys(storage(form)).filter((key) => key.startsWith(`${address(form)}#`)).sort();
    all.slice(0, -MOST).forEach(forget);
    return all.slice(-MOST);
  };
  const lost = (form, key) => {
    const kept = read(form, key);
    return controls(form).filter((it) => name(it) in kept && kept[name(it)] !== value(it));
  };

  const button = (words, press) => {
    const it = document.createElement('button');
    it.type = 'button';
    it.className = 'button';
    it.textContent = words;
    it.addEventListener('click', press);
    return it;
  };
  const offer = (form, key) => {
    const kept = read(form, key);
    const box = document.createElement('div');
    const words = document.createElement('p');
    const actions = document.createElement('p');
    box.className = 'summary conflict';
    words.textContent = 'You have unsaved text from an earlier visit.';
    const about = ownId(form) && kept.title;
    if (about) {
      const title = document.createElement('bdi');
      title.textContent = about;
      words.append(' Title: “', title, '”');
    }
    actions.className = 'actions';
    const putBack = () => {
      for (const it of lost(form, key)) {
        if (isChoice(it)) it.checked = kept[name(it)];
        else it.value = kept[name(it)];
        it.closest('details')?.setAttribute('open', '');
        it.dispatchEvent(new Event('input', { bubbles: true }));
        it.dispatchEvent(new Event('change', { bubbles: true }));
      }
      if (key !== place(form)) forget(key);
      box.remove();
    };
    const drop = () => {
      forget(key);
      box.remove();
    };
    actions.append(button('Restore', putBack), ' ', button('Discard', drop));
    box.append(words, actions);
    form.prepend(box);
  };

  const forms = [...document.querySelectorAll('main form[method=post][action]')].filter((form) => controls(form).length);
  if (new URLSearchParams(location.search).has('done')) {
    const sent = sessionStorage.getItem(SENT);
    if (sent?.startsWith(BEGIN)) forget(sent);
    forget(SENT);
  }
  for (const form of forms) {
    form.addEventListener('input', () => keep(form));
    form.addEventListener('change', () => keep(form));
    for (const key of keys(form)) if (lost(form, key).length) offer(form, key);
  }
  // The updates after a removed one move up.
  const forgetUpdates = (form) => {
    const kept = Object.entries(read(form, place(form))).filter(([name]) => !name.startsWith('update.'));
    forget(place(form));
    if (kept.length) storage(form).setItem(place(form), JSON.stringify(Object.fromEntries(kept)));
  };
  document.addEventListener('submit', ({ target, submitter }) => {
    const action = target.getAttribute('action');
    if (submitter?.name === 'remove_update') forgetUpdates(target);
    if (action === '/logout') {
      for (const kept of [localStorage, sessionStorage]) {
        Object.keys(kept).filter((key) => key.startsWith(BEGIN) || key === SENT).forEach(forget);
      }
    } else if (action && target.closest('main')) sessionStorage.setItem(SENT, place(target));
  });
}
