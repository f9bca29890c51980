// Questions to the service. No answer is no verdict: it is an error of its own, never red.

import { language, query } from "./settings.js";

export class NoAnswer extends Error {
  constructor(busy, after = 0) {
    super("no answer");
    this.busy = busy;
    this.after = after;
  }
}

export class Refused extends Error {
  constructor(problem) {
    super("refused");
    this.problem = problem;
  }
}

const TEXT_PATIENCE = 5000;
// The service may look at a photograph in every way for as long.
const PICTURE_PATIENCE = 12000;

export function headers(type) {
  return { "Content-Type": type, "Accept-Language": language, Accept: "text/html, application/problem+json" };
}

// The answer as HTML, or null where a picture has no code.
export async function ask(body, type) {
  const patience = type.startsWith("text/") ? TEXT_PATIENCE : PICTURE_PATIENCE;
  const response = await request(`answer${query()}`, { body, headers: headers(type) }, patience);
  return settle(response.status, response.headers.get("Retry-After"), await response.text());
}

export function settle(status, after, text) {
  if (status === 200) return text;
  if (status === 204) return null;
  if (status === 429 || status === 503) throw new NoAnswer(true, Number(after) || 1);
  if (status >= 500 || status === 408 || status === 0) throw new NoAnswer(false);
  let problem = {};
  try {
    problem = JSON.parse(text);
  } catch {
    throw new NoAnswer(false);
  }
  throw new Refused(problem);
}

// The lists are asked for anew; the service does it, or says that it cannot.
export async function update() {
  const wanted = { headers: { "Content-Type": "application/x-www-form-urlencoded", "Accept-Language": language, Accept: "application/json" } };
  const response = await request(`update${query()}`, wanted, PICTURE_PATIENCE);
  if (!response.ok) settle(response.status, response.headers.get("Retry-After"), await response.text());
}

export async function age() {
  const response = await request(`age${query()}`, { method: "GET" }, TEXT_PATIENCE);
  if (!response.ok) throw new NoAnswer(false);
  return { html: await response.text(), level: response.headers.get("X-Age-Level") };
}

async function request(url, options, patience) {
  try {
    return await fetch(url, { method: "POST", cache: "no-store", ...options, signal: AbortSignal.timeout(patience) });
  } catch {
    throw new NoAnswer(false);
  }
}
