// Who is signed in: OpenID Connect, authorization code with PKCE. Tokens live in this tab's sessionStorage and nowhere else.

const SESSION = 'bellhop.session';
const ASKED = 'bellhop.sign-in';
const WORDS = {
  access_denied: 'The sign-in was cancelled or refused.',
  invalid_grant: 'The sign-in took too long or was used already.',
  login_required: 'The identity provider wants you to sign in again.',
  temporarily_unavailable: 'The identity provider is busy.',
};

let onEnd = () => {};
let timer;
let config;

/** Why nobody is signed in, for people. */
class SignInError extends Error {}

/** How to sign in here. */
async function settings() {
  if (!config) {
    const response = await fetch('api/config', { cache: 'no-store' }).catch(() => null);
    if (!response?.ok) throw new SignInError('The console does not say how to sign in. Try again in a moment.');
    config = await response.json();
  }
  return config;
}

function read(name) {
  try {
    return JSON.parse(sessionStorage.getItem(name));
  } catch {
    return null;
  }
}

/** The bearer token; empty: nobody is signed in. */
export const token = () => read(SESSION)?.token ?? '';

const here = () => location.origin + location.pathname;

function base64url(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

function claims(jwt) {
  const part = jwt.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(part), (char) => char.charCodeAt(0))));
}

/** Goes to the identity provider. */
export async function begin() {
  const { authorization_endpoint: endpoint, client_id: client, scope } = await settings();
  if (!crypto.subtle)
    throw new SignInError(
      'Sign-in needs a secure address: open the console by https, or on this machine by localhost.',
    );
  const asked = { state: random(), nonce: random(), verifier: random(), hash: location.hash };
  sessionStorage.setItem(ASKED, JSON.stringify(asked));
  const address = new URL(endpoint);
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(asked.verifier));
  const query = {
    response_type: 'code',
    client_id: client,
    redirect_uri: here(),
    scope,
    state: asked.state,
    nonce: asked.nonce,
    code_challenge: base64url(digest),
    code_challenge_method: 'S256',
  };
  for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
  location.assign(address);
}

/** Takes what the identity provider sent back with, if this is its answer. */
export async function complete() {
  const answer = new URLSearchParams(location.search);
  if (!answer.has('code') && !answer.has('error')) return;
  const asked = read(ASKED);
  sessionStorage.removeItem(ASKED);
  history.replaceState(null, '', location.pathname + (asked?.hash ?? ''));
  if (!asked || answer.get('state') !== asked.state)
    throw new SignInError('This sign-in was not begun in this tab. Please sign in again.');
  if (answer.has('error')) {
    const code = answer.get('error');
    throw new SignInError(
      `${WORDS[code] ?? 'The identity provider refused the sign-in.'} (${answer.get('error_description') ?? code})`,
    );
  }
  const { issuer } = await settings();
  if (answer.has('iss') && answer.get('iss') !== issuer)
    throw new SignInError('Another identity provider answered than the one that was asked.');
  keep(await exchange(answer.get('code'), asked.verifier), asked.nonce);
}

async function exchange(code, verifier) {
  const { token_endpoint: endpoint, client_id: client } = await settings();
  const form = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: here(),
    client_id: client,
    code_verifier: verifier,
  };
  const response = await fetch(endpoint, { method: 'POST', body: new URLSearchParams(form) }).catch(() => null);
  if (!response) throw new SignInError('The identity provider cannot be reached. Try again in a moment.');
  const body = await response.json().catch(() => ({}));
  if (!response.ok)
    throw new SignInError(
      `${WORDS[body.error] ?? 'The identity provider gave no token.'} (${body.error_description ?? body.error ?? response.status})`,
    );
  if (!body.id_token) throw new SignInError('The identity provider gave no ID token: the scope must contain openid.');
  return body.id_token;
}

// The function checks signature and claims with each call; this only makes sure that the answer belongs to the question.
function keep(jwt, nonce) {
  const { nonce: told, exp, iss, aud } = claims(jwt);
  if (told !== nonce || iss !== config.issuer || ![aud].flat().includes(config.client_id)) {
    throw new SignInError('The token does not belong to this sign-in. Please sign in again.');
  }
  sessionStorage.setItem(SESSION, JSON.stringify({ token: jwt, expires: exp }));
}

/** Whether somebody is signed in. When that ends, `ended` is told why. */
export function watch(ended) {
  onEnd = ended;
  clearTimeout(timer);
  const session = read(SESSION);
  if (!session) return false;
  const left = session.expires * 1000 - Date.now();
  if (left <= 0) {
    sessionStorage.removeItem(SESSION);
    return false;
  }
  timer = setTimeout(() => expired('Your session has ended.'), Math.min(left, 2 ** 31 - 1));
  return true;
}

/** The session is over. */
export function expired(why) {
  if (!read(SESSION)) return;
  clearTimeout(timer);
  sessionStorage.removeItem(SESSION);
  onEnd(why);
}

/** Signs out here, and at the identity provider where it offers that. */
export async function signOut() {
  clearTimeout(timer);
  sessionStorage.removeItem(SESSION);
  const { end_session_endpoint: endpoint, client_id: client } = await settings().catch(() => ({}));
  if (!endpoint) return onEnd('You are signed out.');
  const address = new URL(endpoint);
  // Cognito names the address otherwise than the standard does.
  for (const name of ['post_logout_redirect_uri', 'logout_uri']) address.searchParams.set(name, here());
  address.searchParams.set('client_id', client);
  return location.assign(address);
}
