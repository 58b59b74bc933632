// Which phone this machine's collector works with; the service decides by what is connected, this says what to wait for.
import { ref, watch } from "vue";

export type PhoneChoice = "browser" | "desk";
const KEPT = "collector.phone";

export const phoneChoice = ref<PhoneChoice>(localStorage.getItem(KEPT) === "desk" ? "desk" : "browser");

watch(phoneChoice, (chosen) => localStorage.setItem(KEPT, chosen));
