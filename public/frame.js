// In the frame of the notice: tells the page around it whether there is something to show, and looks again
// every minute until somebody closes it.
'use strict';
{
  const tell = (action) => parent.postMessage({ action }, '*');
  const again = setTimeout(() => location.reload(), 60_000);
  tell(document.body.dataset.trouble ? 'showFrame' : 'dismissFrame');
  document.querySelector('button')?.addEventListener('click', () => {
    clearTimeout(again);
    tell('dismissFrame');
  });
}
