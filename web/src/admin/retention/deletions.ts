// What requests to delete have in common wherever they are shown.
import type { Schemas } from "@/api/client";

type State = Schemas["DeletionState"];
type ItemState = Schemas["ItemState"];

export const TONES: Record<State, "warning" | "primary" | "info" | "success"> = {
  asked: "warning",
  allowed: "primary",
  refused: "info",
  done: "success",
};

/** How many recordings of a request are in which state, without the states that none is in. */
export function countsOf(deletion: Schemas["DeletionOut"]): [ItemState, number][] {
  const states: ItemState[] = ["pending", "deleted", "kept"];
  return states.map((state): [ItemState, number] => [state, deletion.counts[state] ?? 0]).filter(([, n]) => n > 0);
}
