// What is wrong now, as the service pushes it; asked for once where nothing was pushed yet.
import { computed, type ComputedRef } from "vue";
import { api, ask, type Schemas } from "@/api/client";
import { useLive } from "@/api/live";

export type Alarm = Schemas["AlarmOut"];
export type Severity = Alarm["severity"];

/** `alarms` of the live state: counts by severity, and the same items as the list has. */
interface LiveAlarms {
  items: Alarm[];
}

/** The alarms that last, the gravest first; null until they are known. */
export function useAlarms(): ComputedRef<readonly Alarm[] | null> {
  const pushed = useLive().topic<LiveAlarms>(() => "alarms");
  return computed(() => pushed.value?.items ?? null);
}

export function acknowledge(alarm: Alarm): Promise<Alarm> {
  return ask(api.POST("/v1/alarms/acknowledge", { body: { key: alarm.key } }));
}

export function toneOf(severity: Severity): "danger" | "warning" | "info" {
  if (severity === "critical") return "danger";
  return severity === "warning" ? "warning" : "info";
}
