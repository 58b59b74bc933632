// What is played: addresses of a recording's audio, and files fetched with the session's cookie.
import { api, ask, type Schemas } from "@/api/client";
import { type Peaks, readPeaks } from "./peaks";

export type Side = Schemas["Side"];

/** Where a browser fetches the audio from, in parts as it needs them (Range). */
export function audioAddress(recordingId: string, side: Side, format?: "flac" | "wav"): string {
  const query = new URLSearchParams({ channel: side });
  if (format) query.set("format", format);
  return `/v1/recordings/${encodeURIComponent(recordingId)}/audio?${query}`;
}

export async function peaksOf(recordingId: string): Promise<Peaks> {
  const path = { recording_id: recordingId };
  const bytes = await ask(api.GET("/v1/recordings/{recording_id}/peaks", { params: { path }, parseAs: "arrayBuffer" }));
  return readPeaks(bytes as unknown as ArrayBuffer);
}

/** Hands a file to the person. */
export function save(content: Blob, name: string): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
