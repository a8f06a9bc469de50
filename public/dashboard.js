// The dashboard: counts down to promised updates, says how many components are selected, closes open menus. Every page
// is whole without it.
'use strict';
{
  const MINUTE = 60_000;
  const REFRESH = 15_000;

  const words = (minutes) => {
    const hours = Math.floor(minutes / 60);
    const rest = minutes % 60;
    return [hours && `${hours} h`, (rest || !hours) && `${rest} min`].filter(Boolean).join(' ');
  };
  const loaded = performance.now();
  // Rounded up while it is to come, and down once it is late, like the words of the server.
  const countDown = () => {
    for (const it of document.querySelectorAll('[data-left]')) {
      const left = Number(it.dataset.left) * 1000 - (performance.now() - loaded);
      const late = left <= 0;
      it.textContent = late
        ? `Overdue by ${words(Math.max(1, Math.floor(-left / MINUTE)))}`
        : `Next update due in ${words(Math.ceil(left / MINUTE))}`;
      it.closest('.strip')?.classList.toggle('late', late);
    }
  };
  if (document.querySelector('[data-left]')) {
    countDown();
    setInterval(countDown, REFRESH);
    document.addEventListener('visibilitychange', countDown);
  }

  const selected = document.querySelector('[data-selected]');
  if (selected) {
    const form = selected.closest('form');
    const count = () => {
      const ticked = [...form.elements].filter((it) => it.type === 'checkbox' && it.checked).length;
      selected.textContent = ticked ? `${ticked} selected` : 'Selected components';
    };
    document.addEventListener('change', count);
    form.addEventListener('reset', () => setTimeout(count));
    count();
  }

  const menus = () => document.querySelectorAll('details.pick[open]');
  document.addEventListener('click', ({ target }) => {
    for (const menu of menus()) if (!menu.contains(target)) menu.open = false;
  });
  document.addEventListener('keydown', ({ key }) => {
    if (key !== 'Escape') return;
    for (const menu of menus()) {
      menu.open = false;
      menu.querySelector('summary').focus();
    }
  });
}
