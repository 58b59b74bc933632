// The collectors' grid apart from drawing it: which rows, in which order, and which of them are on the screen.
import type { Schemas } from "@/api/client";
import type { AgentState, LiveAgent } from "../live";

export type Collector = Schemas["CollectorOut"];

export interface Choice {
  text: string;
  state: AgentState | "";
  team: string;
  campaignId: number | 0;
}

/** What a supervisor does with a collector at a desk. */
export type DeskAction = "monitor" | "whisper" | "barge" | "break" | "logOut";

export type Order = "name" | "state" | "since";

/** As a supervisor looks for them: who needs attention first. */
const BY_STATE: readonly AgentState[] = [
  "talking",
  "hold",
  "reserved",
  "preview",
  "wrapup",
  "ready",
  "break",
  "training",
  "aux",
  "offline",
];

export interface Row {
  id: number;
  name: string;
  login: string;
  team: string;
  state: AgentState;
  since: string | null;
  campaignIds: readonly number[];
}

/** A collector as the newest word has it: the pushed one, else the list's. */
export function rowOf(one: Collector, live: LiveAgent | undefined): Row {
  return {
    id: one.agent_id,
    name: one.name,
    login: one.login,
    team: one.team,
    state: live?.state ?? one.state,
    since: live?.since ?? one.since,
    campaignIds: live?.campaign_ids ?? one.campaign_ids ?? [],
  };
}

export function chosen(rows: readonly Row[], choice: Choice): Row[] {
  const text = choice.text.trim().toLowerCase();
  return rows.filter(
    (row) =>
      (text === "" || row.name.toLowerCase().includes(text) || row.login.toLowerCase().includes(text)) &&
      (choice.state === "" || row.state === choice.state) &&
      (choice.team === "" || row.team === choice.team) &&
      (choice.campaignId === 0 || row.campaignIds.includes(choice.campaignId)),
  );
}

export function ordered(rows: readonly Row[], order: Order, isDown: boolean): Row[] {
  const sign = isDown ? -1 : 1;
  return [...rows].sort((a, b) => sign * compared(a, b, order) || byName(a.name, b.name) || a.id - b.id);
}

const { compare: byName } = new Intl.Collator();

function compared(a: Row, b: Row, order: Order): number {
  if (order === "state") return BY_STATE.indexOf(a.state) - BY_STATE.indexOf(b.state);
  if (order === "since") return instant(a.since) - instant(b.since);
  return byName(a.name, b.name);
}

/** Who is in no state since any time comes last. */
function instant(since: string | null): number {
  return since === null ? Number.MAX_SAFE_INTEGER : Date.parse(since);
}

export interface Span {
  first: number;
  end: number;
}

/** Which rows are to be drawn: those on the screen and a few beyond, so that scrolling shows no gap. */
export function visible(nRows: number, rowHeight: number, scrolled: number, height: number, beyond = 6): Span {
  const first = Math.max(0, Math.floor(scrolled / rowHeight) - beyond);
  const end = Math.min(nRows, Math.ceil((scrolled + height) / rowHeight) + beyond);
  return { first: Math.min(first, end), end };
}
