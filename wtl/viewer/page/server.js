// Requests to the server. An error is thrown with its text.

export class Refusal extends Error {}

async function answer(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Refusal('The server does not answer; start `wtl view` again.');
  }
  if (!response.ok) {
    const data = await response.json().catch(() => ({}));
    throw new Refusal(data.error ?? `the server says ${response.status}`);
  }
  return response;
}

export function query(parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== '' && value != null);
  return new URLSearchParams(given).toString();
}

export async function get(path, parameters = {}, signal) {
  return (await answer(`${path}?${query(parameters)}`, {signal})).json();
}

export async function getBlob(path, parameters = {}, signal) {
  return (await answer(`${path}?${query(parameters)}`, {signal})).blob();
}

export async function send(method, path, body) {
  const headers = {'Content-Type': 'application/json'};
  return (await answer(path, {method, headers, body: JSON.stringify(body)})).json();
}

export function episodePath(id) {
  return `api/episodes/${encodeURIComponent(id)}`;
}

// A number with some decimals; what is not finite comes as null.
export function fixed(number, decimals) {
  return number === null ? '–' : number.toFixed(decimals);
}

// An element with properties, data attributes among them, and children.
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  const {data = {}, ...rest} = properties;
  Object.assign(made.dataset, data);
  for (const [key, value] of Object.entries(rest)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

export function drawn(name, attributes = {}, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
