// What was typed outlives an answer that never came: this tab keeps what was changed in a form until a page says that
// it was saved, and offers it where the form is opened again. Passwords, codes and hidden fields are never kept.
// Every page is whole without it.
'use strict';
{
  const BEGIN = 'candor.typed.';
  const SENT = 'candor.sent';
  const SECRET = /password|current|code|credential/;
  const KINDS = 'textarea, select, input:not([type=hidden], [type=password], [type=submit], [type=file])';

  const place = (form) => BEGIN + new URL(form.getAttribute('action'), location.href).pathname;
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

  const read = (key) => {
    try {
      return JSON.parse(sessionStorage.getItem(key)) ?? {};
    } catch {
      return {};
    }
  };
  const keep = (form) => {
    const kept = read(place(form));
    for (const it of controls(form)) if (isChanged(it) || name(it) in kept) kept[name(it)] = value(it);
    try {
      if (Object.keys(kept).length) sessionStorage.setItem(place(form), JSON.stringify(kept));
    } catch {
      // Where nothing more can be kept, the form is as it would be without this script.
    }
  };
  const forget = (key) => sessionStorage.removeItem(key);

  // The composer brings the message back from its own draft.
  const isDraft = (text) => Object.keys(localStorage).some((key) => key.startsWith('candor.draft.') && localStorage.getItem(key) === text);
  const lost = (form) => {
    const kept = read(place(form));
    return controls(form).filter((it) => name(it) in kept && kept[name(it)] !== value(it) && !isDraft(kept[name(it)]));
  };

  const button = (words, press) => {
    const it = document.createElement('button');
    it.type = 'button';
    it.className = 'button';
    it.textContent = words;
    it.addEventListener('click', press);
    return it;
  };
  const offer = (form) => {
    const kept = read(place(form));
    const box = document.createElement('div');
    const words = document.createElement('p');
    const actions = document.createElement('p');
    box.className = 'summary conflict';
    words.textContent = 'You have unsaved text from an earlier visit.';
    actions.className = 'actions';
    const putBack = () => {
      for (const it of lost(form)) {
        if (isChoice(it)) it.checked = kept[name(it)];
        else it.value = kept[name(it)];
        it.dispatchEvent(new Event('input', { bubbles: true }));
        it.dispatchEvent(new Event('change', { bubbles: true }));
      }
      box.remove();
    };
    const drop = () => {
      forget(place(form));
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
    if (lost(form).length) offer(form);
  }
  document.addEventListener('submit', ({ target }) => {
    const action = target.getAttribute('action');
    if (action === '/logout') Object.keys(sessionStorage).filter((key) => key.startsWith('candor.')).forEach(forget);
    else if (action && target.closest('main')) sessionStorage.setItem(SENT, place(target));
  });
}
