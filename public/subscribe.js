'use strict';
// The forms of subscribers work without this script. It ticks whole groups and counts what is chosen.
{
  const form = document.querySelector('form.ask');
  const boxes = (root, name) => [...root.querySelectorAll(`input[name=${name}]`)];
  const plural = (count, one) => `${count} ${one}${count === 1 ? '' : 's'}`;

  const countGroups = () => {
    for (const group of form.querySelectorAll('.group')) {
      const whole = group.querySelector('input[name=group]');
      const members = boxes(group, 'component');
      const chosen = members.filter((box) => box.checked).length;
      whole.checked = chosen > 0 && chosen === members.length;
      whole.indeterminate = chosen > 0 && chosen < members.length;
      const words = chosen === 0 ? 'None' : chosen === members.length ? `All ${chosen}` : `${chosen} of ${members.length}`;
      group.querySelector('.count').textContent = words;
    }
  };

  const showSummary = () => {
    const summary = form.querySelector('.chosen');
    if (!summary) return;
    const isWhole = form.querySelector('#scope')?.checked ?? true;
    const components = boxes(form, 'component').filter((box) => box.checked).length;
    const kinds = ['incidents', 'maintenance'].flatMap((name) => boxes(form, name)).filter((box) => box.checked).length;
    summary.textContent = `${isWhole ? 'All components' : plural(components, 'component')} · ${plural(kinds, 'kind')} of events`;
  };

  if (form) {
    for (const whole of boxes(form, 'group').filter((box) => box.checked)) {
      for (const box of boxes(whole.closest('.group'), 'component')) box.checked = true;
    }
    form.addEventListener('change', ({ target }) => {
      if (target.name === 'group') {
        for (const box of boxes(target.closest('.group'), 'component')) box.checked = target.checked;
      }
      countGroups();
      showSummary();
    });
    countGroups();
    showSummary();
  }
}
