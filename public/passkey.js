// The admin's one script that is no island. A form with `data-passkey` stays hidden without it; pressed, it
// asks the server for a challenge, the device for its answer, and goes on as an ordinary form.
'use strict';
{
  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (letter) => letter.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, '-')
      .replace(/\//g, '_')
      .replace(/=+$/, '');
  const known = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

  const make = async (options) => {
    const publicKey = {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: known(options.excludeCredentials),
    };
    const { id, rawId, type, response } = await navigator.credentials.create({ publicKey });
    const { attestationObject, clientDataJSON } = response;
    return {
      id,
      rawId: text(rawId),
      type,
      response: { attestationObject: text(attestationObject), clientDataJSON: text(clientDataJSON) },
    };
  };

  const use = async (options) => {
    const publicKey = {
      ...options,
      challenge: bytes(options.challenge),
      allowCredentials: known(options.allowCredentials),
    };
    const { id, rawId, type, response } = await navigator.credentials.get({ publicKey });
    const { authenticatorData, clientDataJSON, signature, userHandle } = response;
    return {
      id,
      rawId: text(rawId),
      type,
      response: {
        authenticatorData: text(authenticatorData),
        clientDataJSON: text(clientDataJSON),
        signature: text(signature),
        userHandle: userHandle && text(userHandle),
      },
    };
  };

  const answer = async (form) => {
    const asked = await fetch(form.dataset.challenge, { method: 'POST', headers: { Accept: 'application/json' } });
    const kind = asked.headers.get('content-type') ?? '';
    const said = kind.startsWith('application/json') ? await asked.json() : {};
    if (!asked.ok || !said.publicKey) throw new Error(said.error ?? 'Reload the page and try again.');
    return form.dataset.passkey === 'make' ? make(said.publicKey) : use(said.publicKey);
  };

  const reason = ({ name, message }) => {
    if (name === 'NotAllowedError') return 'No passkey was confirmed. Try again or use another method.';
    if (name === 'InvalidStateError') return 'This device already has a passkey for your account.';
    return message;
  };

  const ready = (form) => {
    const [field, said] = ['[data-credential]', '[data-said]'].map((part) => form.querySelector(part));
    form.hidden = false;
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      said.textContent = '';
      try {
        field.value = JSON.stringify(await answer(form));
        form.submit();
      } catch (error) {
        said.textContent = reason(error);
      }
    });
  };

  if (window.PublicKeyCredential) {
    for (const form of document.querySelectorAll('form[data-passkey]')) ready(form);
    for (const words of document.querySelectorAll('[data-without-passkey]')) words.hidden = true;
  }
}
