// What was typed of an outcome and not saved yet, by attempt: it outlives a reload and the end of the wrap-up time.
// Only what the collector typed is kept, and what the form asks: nothing of the case, its limits neither.
import type { Draft, Form } from "./outcome";
import { emptyDraft, isBegun } from "./outcome";

const PREFIX = "collector.draft.";

export interface Kept {
  attemptId: number;
  agentId: number;
  draft: Draft;
  form: Form;
  /** Which call it was, for the collector: masked as everywhere. */
  numberMasked: string;
  /** When it was typed, in milliseconds since 1970. */
  at: number;
}

/** The draft of a call; a new one when nothing was typed. */
export function draftOf(attemptId: number): Draft {
  return read(PREFIX + attemptId)?.draft ?? emptyDraft();
}

/** Keeps what was typed, or forgets it where nothing is left of it. */
export function keep(kept: Kept): void {
  if (isBegun(kept.draft)) sessionStorage.setItem(PREFIX + kept.attemptId, JSON.stringify(kept));
  else forget(kept.attemptId);
}

export function forget(attemptId: number): void {
  sessionStorage.removeItem(PREFIX + attemptId);
}

/** All drafts of a collector, the newest first. Those of others who used this tab before are forgotten. */
export function allKept(agentId: number): Kept[] {
  const found: Kept[] = [];
  for (const key of Object.keys(sessionStorage)) {
    if (!key.startsWith(PREFIX)) continue;
    const kept = read(key);
    if (kept === null || kept.agentId !== agentId) sessionStorage.removeItem(key);
    else found.push(kept);
  }
  return found.sort((one, other) => other.at - one.at);
}

function read(key: string): Kept | null {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? "null") as Kept | null;
  } catch {
    return null; // written by an older page
  }
}
