// What each setting means, as the service explains it: form and API can not differ.
import { computed, type ComputedRef } from "vue";
import type { Schemas } from "@/api/client";

export interface Explained {
  name: Schemas["Bilingual"];
  meaning: Schemas["Bilingual"];
  why: Schemas["Bilingual"] | null;
  unit: string;
  least: number | null;
  most: number | null;
  default: unknown;
}

export function useExplanations(): ComputedRef<ReadonlyMap<string, Explained>> {
  return computed(() => new Map());
}
