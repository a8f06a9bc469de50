// Shows the brand while it is chosen: each change sends the form to the frame of the preview. Without it, the button
// does. The frame is a new one each time, because a new frame adds nothing to the browser's history.
'use strict';
{
  const button = document.querySelector('button[formtarget]');
  const form = button?.form;
  if (form) {
    let timer;
    const show = () => {
      const frame = document.querySelector(`iframe[name="${button.formTarget}"]`);
      if (!frame) return;
      const fresh = frame.cloneNode();
      fresh.removeAttribute('src');
      frame.replaceWith(fresh);
      form.requestSubmit(button);
    };
    form.addEventListener('input', () => {
      clearTimeout(timer);
      timer = setTimeout(show, 400);
    });
  }
}
