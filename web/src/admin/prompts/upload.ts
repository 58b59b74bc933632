// Sending a recording with its progress: fetch tells nothing of what has left.
import { ApiProblem, csrfValue, type Schemas } from "@/api/client";
import { language } from "@/i18n";

const TIMEOUT_MS = 300_000;
/** What the service takes, by the end of the file's name: browsers do not agree on the types. */
const TYPES: Record<string, string> = { wav: "audio/wav", flac: "audio/flac", ogg: "audio/ogg", oga: "audio/ogg", opus: "audio/ogg" };
export const ACCEPTED = Object.keys(TYPES)
  .map((end) => `.${end}`)
  .join(",");

export interface Upload {
  name: string;
  language: string;
  note: string;
  file: File;
}

export function typeOf(file: File): string | undefined {
  return TYPES[file.name.split(".").pop()?.toLowerCase() ?? ""];
}

/** Resolves to the new version; rejects with `ApiProblem`. `tell` hears the share that was sent. */
export function upload(wanted: Upload, tell: (share: number) => void): Promise<Schemas["PromptVersionOut"]> {
  const query = new URLSearchParams({ language: wanted.language, note: wanted.note });
  const request = new XMLHttpRequest();
  request.open("POST", `/v1/prompts/${encodeURIComponent(wanted.name)}?${query}`);
  request.timeout = TIMEOUT_MS;
  request.responseType = "json";
  request.setRequestHeader("Content-Type", typeOf(wanted.file) ?? "application/octet-stream");
  request.setRequestHeader("X-CSRF-Token", csrfValue());
  request.setRequestHeader("Accept-Language", language.value);
  return new Promise((resolve, reject) => {
    request.upload.onprogress = (event) => tell(event.lengthComputable ? event.loaded / event.total : 0);
    request.onload = () => (request.status === 201 ? resolve(request.response) : reject(new ApiProblem(request.response ?? {}, request.status)));
    request.onerror = () => reject(new ApiProblem({ title: "offline" }, 0));
    request.ontimeout = () => reject(new ApiProblem({ title: "timeout" }, 0));
    request.send(wanted.file);
  });
}
