// The SIP messages of a call. The API's pairs of header and value arrive as plain lists.
import type { Schemas } from "@/api/client";

export type LadderLine = Omit<Schemas["LadderLine"], "headers"> & { headers: readonly (readonly string[])[] };
export type CallLadder = Omit<Schemas["Ladder"], "lines"> & { lines: readonly LadderLine[] };

/** `INVITE`, or `180 Ringing`: the start line without addresses. */
export function shortly(line: LadderLine): string {
  return line.status === null ? line.method : line.start_line.replace(/^SIP\/2\.0 /, "");
}

export function toneOf(line: LadderLine): "request" | "provisional" | "good" | "bad" {
  if (line.status === null) return "request";
  if (line.status < 200) return "provisional";
  return line.status < 300 ? "good" : "bad";
}
