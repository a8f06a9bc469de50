// For pages of other sites: a notice in the corner, shown only while something is wrong. What it shows comes
// from the status page in a frame; nothing of this page is read.
'use strict';
{
  const { origin } = new URL(document.currentScript.src);
  const small = innerWidth < 450;
  const frame = document.createElement('iframe');
  frame.src = `${origin}/embed/frame${small ? '?mobile=true' : ''}`;
  frame.title = 'Status';
  const place = small ? { left: '0', right: '0', bottom: '0', width: '100%' } : { right: '60px', bottom: '60px', width: '320px' };
  Object.assign(frame.style, { position: 'fixed', zIndex: '9999', height: '115px', border: '0', display: 'none' }, place);

  addEventListener('message', ({ origin: from, source, data }) => {
    if (from !== origin || source !== frame.contentWindow) return;
    if (data?.action === 'showFrame') frame.style.display = 'block';
    if (data?.action === 'dismissFrame') frame.style.display = 'none';
  });
  const show = () => document.body.append(frame);
  if (document.body) show();
  else addEventListener('DOMContentLoaded', show);
}
