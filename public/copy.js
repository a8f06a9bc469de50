// Copy buttons: beside what is shown to be passed on, which is every read-only field and what has `data-copy`. Time zones
// begin with the browser's own.
'use strict';
{
  const DONE = 2000;

  const write = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    // Without a secure connection.
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  };
  const button = (words, text) => {
    const it = document.createElement('button');
    it.type = 'button';
    it.className = 'button';
    it.textContent = words;
    it.addEventListener('click', async () => {
      try {
        await write(text());
        it.textContent = 'Copied';
      } catch {
        it.textContent = 'Select the text and copy it';
      }
      setTimeout(() => (it.textContent = words), DONE);
    });
    return it;
  };
  for (const field of document.querySelectorAll('main input[readonly], main textarea[readonly]')) {
    const box = document.createElement('div');
    box.className = 'copy-row';
    field.before(box);
    box.append(field, button('Copy', () => field.value));
  }
  for (const list of document.querySelectorAll('[data-copy]')) {
    const lines = () => [...list.children].map((it) => it.textContent).join('\n');
    list.nextElementSibling?.append(button(list.dataset.copy, lines));
  }

  const zones = document.getElementById('zones');
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zones && own) {
    const option = document.createElement('option');
    option.value = own;
    option.label = 'Your browser’s time zone';
    zones.prepend(option);
  }
}
