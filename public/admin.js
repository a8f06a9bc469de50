// The admin's keys. Every page is whole without it. An element says itself which keys it answers to, in
// `data-keys`: letters pressed one after the other ("g d"), or one key with Control or Command ("mod+Enter").
// Links and buttons are clicked, fields get the focus. /admin/shortcuts lists the keys and turns them off.
'use strict';
{
  const PLACE = 'candor.keys';
  const PAUSE = 1500;
  let pressed = [];
  let last = 0;

  const isOff = () => localStorage.getItem(PLACE) === 'off';
  const isTyping = (target) => target.closest('input:not([type=radio], [type=checkbox]), select, textarea, [contenteditable]');
  const listening = (keys) => document.querySelector(`[data-keys="${CSS.escape(keys)}"]`);
  const waiting = (keys) => document.querySelector(`[data-keys^="${CSS.escape(`${keys} `)}"]`);

  const act = (element, event) => {
    event.preventDefault();
    if (element.matches('input, textarea, select')) element.focus();
    else element.click();
  };

  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing || event.altKey || isOff()) return;
    if (event.ctrlKey || event.metaKey) {
      const element = listening(`mod+${event.key}`);
      if (element) act(element, event);
      return;
    }
    if (event.key.length !== 1 || isTyping(event.target)) return;
    if (event.timeStamp - last > PAUSE) pressed = [];
    last = event.timeStamp;
    pressed.push(event.key);
    for (const keys of [pressed.join(' '), event.key]) {
      const element = listening(keys);
      if (element) {
        pressed = [];
        return act(element, event);
      }
      if (waiting(keys)) {
        pressed = keys.split(' ');
        return;
      }
    }
    pressed = [];
  });

  const button = document.getElementById('keys-switch');
  if (button) {
    const name = () => (button.textContent = isOff() ? 'Enable shortcuts in this browser' : 'Disable shortcuts in this browser');
    button.addEventListener('click', () => {
      localStorage.setItem(PLACE, isOff() ? 'on' : 'off');
      name();
    });
    name();
    button.hidden = false;
  }
}
