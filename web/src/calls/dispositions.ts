// How calls end, in the order in which people look for it, and what that is called: the same on every page.
import type { Schemas } from "@/api/client";
import { i18n } from "@/i18n";
import "./words";

export const DISPOSITIONS: readonly Schemas["Disposition"][] = [
  "connected",
  "reminded",
  "abandoned",
  "machine",
  "message_left",
  "short_answer",
  "silence",
  "fax",
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

export function dispositionName(disposition: string): string {
  return i18n.global.t(`calls.disposition.${disposition}`);
}
