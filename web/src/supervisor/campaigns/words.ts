// Values whose names stand in the locale files.
import type { Schemas } from "@/api/client";

export const DISPOSITIONS: readonly Schemas["Disposition"][] = [
  "connected",
  "reminded",
  "abandoned",
  "machine",
  "message_left",
  "fax",
  "silence",
  "short_answer",
  "busy",
  "no_answer",
  "powered_off",
  "suspended",
  "unreachable",
  "incoming_barred",
  "rejected",
  "bad_number",
  "network_blocked",
  "unwanted",
  "trunk_congestion",
  "trunk_config",
  "cancelled",
  "unknown",
];
