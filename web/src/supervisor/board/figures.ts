// Which of the day's figures stand on the wallboard, by the keys of their definitions.
import type { ChartUnit } from "@/components/charts";

export const HOUSE_FIGURES = ["dials", "answer_rate", "live_rate", "right_party", "promises", "abandoned_share", "wait_p90_s"] as const;
export const FIGURES = [
  "dials",
  "answer_rate",
  "live_rate",
  "contact_rate",
  "right_party_rate",
  "promise_rate",
  "wait_median_s",
  "wait_p90_s",
  "handle_s",
] as const;

export type FigureKey = (typeof FIGURES)[number] | (typeof HOUSE_FIGURES)[number];

export const UNITS: Readonly<Record<FigureKey, ChartUnit>> = {
  dials: "count",
  right_party: "count",
  promises: "count",
  answer_rate: "share",
  live_rate: "share",
  contact_rate: "share",
  right_party_rate: "share",
  promise_rate: "share",
  abandoned_share: "share",
  wait_median_s: "seconds",
  wait_p90_s: "seconds",
  handle_s: "seconds",
};
