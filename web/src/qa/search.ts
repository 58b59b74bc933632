// What a search for recordings asks for: text in the address and the form, values in the request.
import type { LocationQuery } from "vue-router";
import type { Schemas } from "@/api/client";

const TEXTS = ["case_ref", "outcome", "qa_state", "disposition", "verdict"] as const;
const NUMBERS = ["campaign_id", "agent_id", "attempt_id"] as const;
const SECONDS = ["duration_s_from", "duration_s_to"] as const;
const SHARES = [
  "far_share_from",
  "far_share_to",
  "near_share_from",
  "near_share_to",
  "silence_share_from",
  "silence_share_to",
  "overtalk_share_from",
  "overtalk_share_to",
] as const;
const TIMES = ["since", "until"] as const;
const FLAGS = ["truncated", "redacted", "held", "deleted"] as const;
const ALL = [...TEXTS, ...NUMBERS, ...SECONDS, ...SHARES, ...TIMES, ...FLAGS] as const;

export type Field = (typeof ALL)[number];
/** Shares in percent, instants in ISO 8601, flags `true` or `false`; "" where it does not matter. */
export type Wanted = Record<Field, string>;

export function wantedOf(query: LocationQuery): Wanted {
  const said = (field: Field): string => (typeof query[field] === "string" ? query[field] : "");
  return Object.fromEntries(ALL.map((field) => [field, said(field)])) as Wanted;
}

/** What is no number goes as it is: the service says so, where null would find everything. */
function figure(text: string, parts = 1): number | string {
  return Number.isFinite(Number(text)) ? Number(text) / parts : text;
}

/** The request's body without what does not matter. */
export function asSearch(wanted: Wanted): Partial<Schemas["RecordingSearch"]> {
  const body: Record<string, unknown> = {};
  for (const field of [...TEXTS, ...TIMES]) if (wanted[field]) body[field] = wanted[field];
  for (const field of [...NUMBERS, ...SECONDS]) if (wanted[field]) body[field] = figure(wanted[field]);
  for (const field of SHARES) if (wanted[field]) body[field] = figure(wanted[field], 100);
  for (const field of FLAGS) if (wanted[field]) body[field] = wanted[field] === "true";
  return body as Partial<Schemas["RecordingSearch"]>;
}

export const SHARE_KINDS = ["far", "near", "silence", "overtalk"] as const;
export const FLAG_FIELDS = FLAGS;
