// Microphone and speaker of this machine: which there are, which was chosen, and what keeps them from working.
import { reactive, readonly, watch } from "vue";
import type { Trouble } from "./messages";

const KEPT = "phone.devices";

interface Choice {
  /** Device ids; "" is the machine's own choice. */
  microphone: string;
  speaker: string;
  echoCancellation: boolean;
  noiseSuppression: boolean;
}

export interface Device {
  id: string;
  label: string;
}

const FIRST: Choice = { microphone: "", speaker: "", echoCancellation: true, noiseSuppression: true };

function kept(): Choice {
  try {
    return { ...FIRST, ...(JSON.parse(localStorage.getItem(KEPT) ?? "{}") as Partial<Choice>) };
  } catch {
    return { ...FIRST };
  }
}

/** What was chosen on this machine; remembered. */
export const choice = reactive<Choice>(kept());
watch(choice, (now) => localStorage.setItem(KEPT, JSON.stringify(now)));

const found = reactive<{ microphones: Device[]; speakers: Device[] }>({ microphones: [], speakers: [] });
export const devices = readonly(found);
export const canChooseSpeaker = "setSinkId" in HTMLMediaElement.prototype;

/** Looks for devices; they have names only after the microphone was allowed. */
export async function findDevices(): Promise<void> {
  const all = await navigator.mediaDevices.enumerateDevices();
  const of = (kind: MediaDeviceKind): Device[] =>
    all
      .filter((device) => device.kind === kind && device.deviceId && device.deviceId !== "default")
      .map((device, index) => ({ id: device.deviceId, label: device.label || String(index + 1) }));
  found.microphones = of("audioinput");
  found.speakers = of("audiooutput");
}

/** Keeps the list as devices are plugged in and out. */
export function watchDevices(): void {
  navigator.mediaDevices.addEventListener("devicechange", () => void findDevices());
}

/** Why there can be no phone on this page at all. */
export function hindrance(): Trouble | null {
  return window.isSecureContext && "mediaDevices" in navigator ? null : "insecure";
}

/** The chosen microphone, or any other where it is not there. Throws what `troubleOf` understands. */
export async function openMicrophone(): Promise<MediaStream> {
  const { echoCancellation, noiseSuppression, microphone } = choice;
  const wanted = { echoCancellation, noiseSuppression, autoGainControl: true };
  if (microphone) {
    try {
      return await navigator.mediaDevices.getUserMedia({ audio: { ...wanted, deviceId: { exact: microphone } } });
    } catch (error) {
      if (troubleOf(error) !== "noMicrophone") throw error;
    }
  }
  return navigator.mediaDevices.getUserMedia({ audio: wanted });
}

/** Whether the microphone may be opened without asking. */
export async function isAllowed(): Promise<boolean> {
  try {
    return (await navigator.permissions.query({ name: "microphone" as PermissionName })).state === "granted";
  } catch {
    return false; // browsers that cannot be asked ask by themselves
  }
}

/** What `getUserMedia` says (W3C Media Capture §10.2), as the key of words that say what to do. */
export function troubleOf(error: unknown): Trouble {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "noMicrophone";
  return name === "NotReadableError" || name === "AbortError" ? "microphoneBusy" : "microphoneFailed";
}
