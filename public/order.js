// The order of components and groups by dragging, beside the buttons that move them one step. Every page is whole
// without it.
'use strict';
{
  const lists = [...document.querySelectorAll('.board')].filter((board) => board.querySelector('.steps'));
  const place = (it) => Number(it?.querySelector('.place')?.textContent);
  // A row moves within its group; a group among everything at the top.
  const siblings = (it) => [...it.parentElement.children].filter((other) => place(other));
  const end = (it) => (it.matches('.group') && !it.querySelector(':scope > .headline') ? place(it.querySelector('li:last-child')) : place(it));
  const form = (it) => (it.matches('li') ? it.querySelector('.steps') : it.querySelector(':scope > .headline .steps'));

  const move = (it, position) => {
    const field = Object.assign(document.createElement('input'), { type: 'hidden', name: 'position', value: String(position) });
    form(it).append(field);
    form(it).submit();
  };
  let dragged;
  const clear = () => document.querySelectorAll('.drop-before, .drop-after').forEach((it) => it.classList.remove('drop-before', 'drop-after'));
  const isBefore = (it, event) => {
    const box = it.getBoundingClientRect();
    return event.clientY < box.top + box.height / 2;
  };

  const prepare = (it, head) => {
    const grip = Object.assign(document.createElement('span'), { className: 'grip', title: 'Drag to move', textContent: '⠿' });
    grip.ariaHidden = 'true';
    head.prepend(grip);
    grip.addEventListener('pointerdown', () => (it.draggable = true));
    grip.addEventListener('pointerup', () => (it.draggable = false));
    it.addEventListener('dragstart', (event) => {
      if (!it.draggable) return;
      event.stopPropagation();
      event.dataTransfer.effectAllowed = 'move';
      event.dataTransfer.setData('text/plain', '');
      dragged = it;
      it.classList.add('dragging');
    });
    it.addEventListener('dragend', () => {
      it.draggable = false;
      it.classList.remove('dragging');
      dragged = undefined;
      clear();
    });
  };
  const listen = (it) => {
    it.addEventListener('dragover', (event) => {
      if (!dragged || dragged === it || !siblings(dragged).includes(it)) return;
      event.preventDefault();
      event.stopPropagation();
      clear();
      it.classList.add(isBefore(it, event) ? 'drop-before' : 'drop-after');
    });
    it.addEventListener('drop', (event) => {
      if (!dragged || dragged === it || !siblings(dragged).includes(it)) return;
      event.preventDefault();
      event.stopPropagation();
      const before = isBefore(it, event);
      const down = place(dragged) < place(it);
      const position = before ? place(it) - (down ? 1 : 0) : end(it) + (down ? 0 : 1);
      if (position !== place(dragged)) move(dragged, position);
    });
  };
  for (const list of lists) {
    list.classList.add('draggable');
    for (const row of list.querySelectorAll('li')) {
      if (form(row)) prepare(row, row);
      listen(row);
    }
    for (const group of list.querySelectorAll(':scope > .group')) {
      const head = group.querySelector(':scope > .headline');
      if (head && form(group)) prepare(group, head);
      listen(group);
    }
  }
}
