// Element Plus opens its calendar as a dialog without a name.
import { nextTick } from "vue";

/** Names the calendar that the field with this id has opened. */
export async function nameCalendar(fieldId: string, words: string): Promise<void> {
  await nextTick();
  const calendar = document.getElementById(fieldId)?.getAttribute("aria-controls");
  if (calendar) document.getElementById(calendar)?.setAttribute("aria-label", words);
}
