// Where the line is heard. The element belongs to no page, so that going from page to page does not cut a talk.
import { ref, shallowRef } from "vue";
import { canChooseSpeaker, choice } from "./devices";

const element = document.createElement("audio");
element.autoplay = true;

/** What is heard now. */
export const heard = shallowRef<MediaStream | null>(null);
/** The browser wants a click before it lets us be heard. */
export const wantsClick = ref(false);

export async function play(stream: MediaStream | null): Promise<void> {
  heard.value = stream;
  element.srcObject = stream;
  if (stream === null) return;
  await useSpeaker();
  await resume();
}

/** Begins to be heard, after a click if need be. */
export async function resume(): Promise<void> {
  try {
    await element.play();
    wantsClick.value = false;
  } catch (error) {
    wantsClick.value = error instanceof DOMException && error.name === "NotAllowedError";
  }
}

/** The chosen speaker; where it is gone, the machine's own. */
export async function useSpeaker(): Promise<void> {
  if (!canChooseSpeaker) return;
  try {
    await element.setSinkId(choice.speaker);
  } catch {
    await element.setSinkId("");
  }
}
