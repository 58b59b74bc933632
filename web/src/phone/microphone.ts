// The microphone that is open, if any; muted, it stays open and sends silence.
import { ref, shallowRef, watch } from "vue";
import { findDevices, openMicrophone } from "./devices";

export const microphone = shallowRef<MediaStream | null>(null);
export const muted = ref(false);

watch(muted, (is) => microphone.value?.getAudioTracks().forEach((track) => (track.enabled = !is)));

/** Opens the chosen microphone in place of the one before. Throws what `troubleOf` understands. */
export async function takeMicrophone(onEnded: () => void): Promise<MediaStreamTrack> {
  const stream = await openMicrophone();
  dropMicrophone();
  microphone.value = stream;
  const track = stream.getAudioTracks()[0];
  if (track === undefined) throw new DOMException("no track", "NotFoundError");
  track.enabled = !muted.value;
  track.onended = onEnded;
  void findDevices(); // they have names from now on
  return track;
}

/** Whether anything can be heard through it: a headset that is pulled out ends its track. */
export function isLive(): boolean {
  return microphone.value?.getAudioTracks().some((track) => track.readyState === "live") ?? false;
}

export function dropMicrophone(): void {
  for (const track of microphone.value?.getTracks() ?? []) {
    track.onended = null;
    track.stop();
  }
  microphone.value = null;
}
