// The one way to the API: typed by the OpenAPI document, errors as values with words for people.
import createClient, { type Middleware } from "openapi-fetch";
import { language } from "@/i18n";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];
export type FieldError = Schemas["FieldError"];

const TIMEOUT_MS = 30_000;
const CSRF_HEADER = "X-CSRF-Token";
/** Of what makes or carries a whole recording: it counts until the last byte is here. */
const AUDIO_TIMEOUT_MS = 600_000;
const MAKES_AUDIO = /\/(exports|redactions)$/;

/** What went wrong with a request, in words that can be shown; `errors` name the fields. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly errors: readonly FieldError[];

  constructor(problem: Partial<Problem>, status: number) {
    super(problem.detail || problem.title || `HTTP ${status}`);
    this.status = status;
    this.errors = problem.errors ?? [];
  }

  /** Whether this page speaks for a session that another tab replaced. */
  get isStale(): boolean {
    return this.status === 403 && this.message.includes(CSRF_HEADER);
  }

  /** The reason for a field, by the end of its path (`settings.max_cps`), or "". */
  of(field: string): string {
    const found = this.errors.find((error) => error.field === `body.${field}` || error.field.endsWith(`.${field}`));
    return found ? [found.reason, found.fix].filter(Boolean).join("; ") : "";
  }
}

let csrf = "";
const endedListeners: (() => void)[] = [];
const staleListeners: (() => void)[] = [];

/** The value that goes with every change; the session store sets it. */
export function useCsrf(value: string): void {
  csrf = value;
}

export function csrfValue(): string {
  return csrf;
}

/** Calls `listener` when the API says that nobody is logged in any more. */
export function onSessionEnded(listener: () => void): void {
  endedListeners.push(listener);
}

/** Calls `listener` when the value that goes with every change is another's. */
export function onStaleCsrf(listener: () => void): void {
  staleListeners.push(listener);
}

let isUnattended = false;

/** Asks as a page does by itself, which keeps no session alive; counts for what `question` sends at once. */
export function unattended<T>(question: () => T): T {
  isUnattended = true;
  try {
    return question();
  } finally {
    isUnattended = false;
  }
}

const guard: Middleware = {
  onRequest({ request }) {
    request.headers.set("Accept-Language", language.value);
    if (isUnattended) request.headers.set("X-Unattended", "1");
    if (request.method !== "GET" && csrf) request.headers.set(CSRF_HEADER, csrf);
    return request;
  },
  onResponse({ response, schemaPath, request }) {
    const isLogIn = schemaPath === "/v1/session" && request.method === "POST";
    if (response.status === 401 && !isLogIn) for (const listener of endedListeners) listener();
    return response;
  },
};

function fetchWithLimit(request: Request): Promise<Response> {
  const limitMs = MAKES_AUDIO.test(new URL(request.url).pathname) ? AUDIO_TIMEOUT_MS : TIMEOUT_MS;
  return fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(limitMs)]) });
}

export const api = createClient<paths>({ baseUrl: window.location.origin, fetch: fetchWithLimit });
api.use(guard);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer; throws `ApiProblem` otherwise: `await ask(api.GET("/v1/lists"))`. */
export async function ask<T>(answer: Promise<Answer<T>>): Promise<T> {
  let settled: Answer<T>;
  try {
    settled = await answer;
  } catch (cause) {
    const title = cause instanceof DOMException && cause.name === "TimeoutError" ? "timeout" : "offline";
    throw new ApiProblem({ title }, 0);
  }
  if (settled.response.ok) return settled.data as T;
  const problem = new ApiProblem((settled.error ?? {}) as Partial<Problem>, settled.response.status);
  if (problem.isStale) for (const listener of staleListeners) listener();
  throw problem;
}
