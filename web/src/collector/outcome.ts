// What a collector records of a call, as it is typed: which fields a code asks for, and what is wrong so far. Pure.
// The service checks the same again, and has the last word.
import type { Schemas } from "@/api/client";

export type Code = Schemas["DispositionCode"];
export type Form = Schemas["DispositionForm"];
export type Field = Schemas["FormField"];
export type Limits = Schemas["FieldLimits"];
export type WrapUpBody = Schemas["WrapUpBody"];

export interface Draft {
  code: string;
  /** Amounts as typed, days as YYYY-MM-DD. */
  values: Record<string, string | boolean>;
  /** An instant, ISO 8601 in UTC; "" while none is chosen. */
  callbackAt: string;
  note: string;
}

/** A key of the locale files, with what stands in its words. */
export interface Problem {
  key: string;
  named: Record<string, string>;
}

export const CALLBACK = "callback_at";

export function emptyDraft(): Draft {
  return { code: "", values: {}, callbackAt: "", note: "" };
}

/** Whether anything was typed or chosen. */
export function isBegun(draft: Draft): boolean {
  const values = Object.values(draft.values).some((value) => value !== "" && value !== false);
  return draft.code !== "" || values || draft.callbackAt !== "" || draft.note.trim() !== "";
}

/** The fields to show for a code: those it demands, and those that belong to no code in particular. */
export function fieldsOf(form: Form, code: string): Field[] {
  return (form.fields ?? []).filter((field) => field.required_for.length === 0 || field.required_for.includes(code));
}

/** The codes that can be chosen; those that need the right person only once that person is on record. */
export function isOpenTo(code: Code, personIsConfirmed: boolean): boolean {
  return personIsConfirmed || !code.right_party;
}

/** An amount in hundredths, however it was typed (`1,200.50`, full-width digits); null when it is none. */
export function centsOf(typed: string): number | null {
  const plain = typed.normalize("NFKC").replace(/[,\s¥$]/g, "");
  if (!/^\d{1,13}(\.\d{1,2})?$/.test(plain)) return null;
  return Math.round(Number(plain) * 100);
}

/** When a callback may be: after now, and not before the number may be called again. In milliseconds since 1970. */
export interface Times {
  now: number;
  earliest: number;
}

/** What is wrong with a draft by the name of the field, in the order of the form; empty when it can be sent. */
export function problemsOf(draft: Draft, form: Form, limits: readonly Limits[], times: Times): Map<string, Problem> {
  const found = new Map<string, Problem>();
  const code = form.codes.find((one) => one.code === draft.code);
  if (code === undefined) return found.set("code", problem("noCode"));
  for (const field of fieldsOf(form, draft.code)) {
    const bounds = limits.find((one) => one.name === field.name);
    const wrong = fieldProblem(field, draft.values[field.name], draft.code, bounds);
    if (wrong) found.set(field.name, wrong);
  }
  const wrong = code.callback ? callbackProblem(draft.callbackAt, times) : null;
  return wrong ? found.set(CALLBACK, wrong) : found;
}

/** What is sent: only the fields that belong to the chosen code. */
export function bodyOf(draft: Draft, form: Form, attemptId: number): WrapUpBody {
  const values: Record<string, string | boolean> = {};
  for (const field of fieldsOf(form, draft.code)) {
    const value = draft.values[field.name];
    if (value === undefined || value === "") continue;
    const cents = field.kind === "amount" && typeof value === "string" ? centsOf(value) : null;
    values[field.name] = cents === null ? value : (cents / 100).toFixed(2);
  }
  const callback = form.codes.find((one) => one.code === draft.code)?.callback ? draft.callbackAt : "";
  return { attempt_id: attemptId, code: draft.code, values, callback_at: callback || null, note: draft.note.trim() };
}

function problem(key: string, named: Record<string, string> = {}): Problem {
  return { key, named };
}

function fieldProblem(field: Field, value: string | boolean | undefined, code: string, limits?: Limits): Problem | null {
  if (value === undefined || value === "") return field.required_for.includes(code) ? problem("needed") : null;
  if (typeof value === "boolean") return null;
  if (field.kind === "amount") return amountProblem(value, limits);
  if (field.kind === "date") return dayProblem(value, limits);
  return null;
}

function callbackProblem(at: string, times: Times): Problem | null {
  if (!at) return problem("needed");
  if (Date.parse(at) <= times.now) return problem("past");
  return Date.parse(at) < times.earliest ? problem("notAllowedYet") : null;
}

function amountProblem(typed: string, limits?: Limits): Problem | null {
  const cents = centsOf(typed);
  if (cents === null) return problem("noAmount");
  const [least, most] = [limits?.least ?? null, limits?.most ?? null];
  if (least !== null && cents < Math.round(Number(least) * 100)) return problem("tooLittle", { least });
  if (most !== null && cents > Math.round(Number(most) * 100)) return problem("tooMuch", { most });
  return null;
}

function dayProblem(day: string, limits?: Limits): Problem | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) return problem("noDay");
  const [first, last] = [limits?.first_day ?? null, limits?.last_day ?? null];
  if (first !== null && day < first) return problem("tooEarly", { first });
  if (last !== null && day > last) return problem("tooLate", { last });
  return null;
}
