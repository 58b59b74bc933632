// Which phone this machine's collector works with; the service decides by what is connected, this says what to wait for.
import { computed, type ComputedRef, ref, watch } from "vue";
import { useBrowserPhone } from "@/phone/phone";
import type { Desk } from "./desk";

export type PhoneChoice = "browser" | "desk";
const KEPT = "collector.phone";

export const phoneChoice = ref<PhoneChoice>(localStorage.getItem(KEPT) === "desk" ? "desk" : "browser");

watch(phoneChoice, (chosen) => localStorage.setItem(KEPT, chosen));

/** Whether the shift runs on this browser's headset, and nobody would be heard on it now. */
export function useUnheard(desk: Desk): ComputedRef<boolean> {
  const phone = useBrowserPhone();
  const there = ["connected", "elsewhere"];
  return computed(() => desk.view.value?.phone === "browser" && (phone.micLost || !there.includes(phone.status)));
}
