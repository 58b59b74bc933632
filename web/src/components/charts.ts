// What a chart shows, apart from drawing it.
import { clock, share, whole } from "./times";

export type ChartUnit = "count" | "share" | "seconds";

export interface Series {
  name: string;
  values: readonly (number | null)[];
  unit: ChartUnit;
  /** A colour of the theme. */
  colour: "accent" | "good" | "warn" | "bad" | "muted";
  bars?: boolean;
  dashed?: boolean;
}

/** A value as people read it. */
export function shown(value: number | null | undefined, unit: ChartUnit): string {
  if (value === null || value === undefined) return "–";
  if (unit === "share") return share(value);
  if (unit === "count") return whole(Math.round(value * 100) / 100);
  return value < 60 ? `${Math.round(value * 10) / 10} s` : clock(value);
}

/** Seconds since 1970 of instants as the API writes them. */
export function instants(times: readonly string[]): number[] {
  return times.map((time) => Date.parse(time) / 1000);
}
