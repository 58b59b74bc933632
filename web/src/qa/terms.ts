// The words of the API's enumerations, in the order in which people look for them.
import type { Schemas } from "@/api/client";
import "@/calls/words"; // which name the labels and meanings

export const QA_STATES = ["assigned", "scored", "disputed", "final"] as const;
export const LABELS: readonly Schemas["Label"][] = [
  "human",
  "machine",
  "silence",
  "fax",
  "ringback",
  "busy",
  "congestion",
  "sit",
  "music",
  "announcement",
  "unknown",
];
export const MEANINGS: readonly Schemas["AnnouncementMeaning"][] = [
  "empty_number",
  "powered_off",
  "suspended",
  "unreachable",
  "busy",
  "no_answer",
  "incoming_barred",
  "call_assistant",
  "network_busy",
  "keep_waiting",
  "other",
];
export const REDACTION_REASONS: readonly Schemas["Why"][] = [
  "card_number",
  "identity_number",
  "credentials",
  "health",
  "third_party",
  "other",
];
