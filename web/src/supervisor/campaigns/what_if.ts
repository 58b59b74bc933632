// A rehearsed day's figures and course.
import type { Schemas } from "@/api/client";
import type { ChartUnit } from "@/components/charts";

type Quarter = Schemas["QuarterOut"];

/** The modes that pace a day; in preview and reminders there is nothing to rehearse. */
export const WHAT_IF_MODES: readonly Schemas["CampaignMode"][] = ["predictive", "progressive", "power"];

type Figure =
  | "utilisation"
  | "occupancy"
  | "bound"
  | "abandoned_share"
  | "worst_hour"
  | "dials"
  | "connected"
  | "contacts_per_hour"
  | "person_wait_p90_s"
  | "collector_wait_median_s";

export const WHAT_IF_FIGURES: readonly { key: Figure; unit: ChartUnit }[] = [
  { key: "utilisation", unit: "share" },
  { key: "bound", unit: "share" },
  { key: "occupancy", unit: "share" },
  { key: "abandoned_share", unit: "share" },
  { key: "worst_hour", unit: "share" },
  { key: "dials", unit: "count" },
  { key: "connected", unit: "count" },
  { key: "contacts_per_hour", unit: "count" },
  { key: "person_wait_p90_s", unit: "seconds" },
  { key: "collector_wait_median_s", unit: "seconds" },
];

/** One value for each quarter; abandoned is of all people until then, as the law counts. */
export function whatIfCourse(quarters: readonly Quarter[], of: "talking" | "abandoned" | "wait_p90_s"): (number | null)[] {
  if (of !== "abandoned") return quarters.map((quarter) => quarter[of]);
  let [live, abandoned] = [0, 0];
  return quarters.map((quarter) => {
    live += quarter.live;
    abandoned += quarter.abandoned;
    return live > 0 ? abandoned / live : null;
  });
}
