// Progress: replaces the box that says so every two seconds, and loads the whole page once there is no such box.
'use strict';
{
  const INTERVAL = 2000;
  const find = (page) => page.querySelector('[data-reload]');
  const update = async () => {
    const box = find(document);
    if (!box) return;
    try {
      const response = await fetch(location.href, { headers: { accept: 'text/html' } });
      const next = find(new DOMParser().parseFromString(await response.text(), 'text/html'));
      // Also when the session has ended: the login asks for it.
      if (!next && response.status < 500) return location.replace(location.pathname);
      if (next && next.innerHTML !== box.innerHTML) box.replaceChildren(...next.childNodes);
    } catch {
      // The server is away for a moment.
    }
    setTimeout(update, INTERVAL);
  };
  if (find(document)) setTimeout(update, INTERVAL);
}
