// The phone's microphone over unplugging and plugging in, with the browser's own faces replaced: jsdom has none of them.
import { createPinia, setActivePinia } from "pinia";
import { effectScope, nextTick, reactive } from "vue";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { useLive } from "@/api/live";
import { type Session, useSession } from "@/api/session";
import { useUnheard } from "@/collector/phoneChoice";
import type { Desk } from "@/collector/desk";
import { useBrowserPhone } from "@/phone/phone";
import { useSteppingAside } from "@/phone/steppingAside";

class Track extends EventTarget {
  readyState = "live";
  enabled = true;
  onended: (() => void) | null = null;

  stop(): void {
    this.readyState = "ended";
  }

  pullOut(): void {
    this.stop();
    this.onended?.();
  }
}

class Socket {
  static readonly OPEN = 1;
  static last: Socket;
  readyState = 0;
  onmessage: ((message: { data: string }) => void) | null = null;

  constructor() {
    Socket.last = this;
  }

  hear(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  send(): void {}
  close(): void {}
}

const tracks: Track[] = [];
let isPlugged = true;
const media = Object.assign(new EventTarget(), {
  getUserMedia: vi.fn(async () => {
    if (!isPlugged) throw new DOMException("", "NotFoundError");
    const track = new Track();
    tracks.push(track);
    return { getTracks: () => [track], getAudioTracks: () => [track] };
  }),
  enumerateDevices: vi.fn(async () => (isPlugged ? [{ kind: "audioinput", deviceId: "default", label: "" }] : [])),
});

async function plug(into: boolean): Promise<void> {
  isPlugged = into;
  if (!into) tracks.at(-1)?.pullOut();
  media.dispatchEvent(new Event("devicechange"));
  await settled();
}

/** Lets everything that was begun come to its end. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await nextTick();
}

async function connectedPhone() {
  const phone = useBrowserPhone();
  await phone.connect();
  Socket.last.hear({ type: "state", connected: true });
  return phone;
}

beforeEach(() => {
  setActivePinia(createPinia());
  isPlugged = true;
  tracks.length = 0;
  vi.stubGlobal("isSecureContext", true);
  vi.stubGlobal("WebSocket", Socket);
  Object.assign(navigator, { mediaDevices: media, locks: { request: async () => undefined } });
  vi.spyOn(HTMLMediaElement.prototype, "play").mockResolvedValue();
});
afterEach(() => useBrowserPhone().disconnect());

describe("a headset that is pulled out", () => {
  it("is opened again when it is plugged in, though the machine chooses", async () => {
    const phone = await connectedPhone();
    await plug(false);
    expect([phone.status, phone.micLost, phone.trouble]).toEqual(["connected", true, "noMicrophone"]);
    await plug(true);
    expect([phone.micLost, phone.trouble, tracks.at(-1)?.readyState]).toEqual([false, null, "live"]);
  });

  it("stays lost when only the line comes back, and is opened when asked to", async () => {
    const phone = await connectedPhone();
    await plug(false);
    Socket.last.hear({ type: "state", connected: false });
    Socket.last.hear({ type: "state", connected: true });
    expect([phone.micLost, phone.trouble]).toEqual([true, "noMicrophone"]);
    isPlugged = true;
    await phone.connect();
    expect([phone.micLost, phone.trouble]).toEqual([false, null]);
  });

  it("leaves a collector unheard", async () => {
    await connectedPhone();
    const unheard = useUnheard({ view: reactive({ value: { phone: "browser" } }) } as unknown as Desk);
    expect(unheard.value).toBe(false);
    await plug(false);
    expect(unheard.value).toBe(true);
  });

  it("takes a ready collector off calls, once", async () => {
    const asked: string[] = [];
    const answers: Record<string, object> = { "/v1/agents/7": { phone: "browser" }, "/v1/break-codes": { items: [{ code: "rest" }, { code: "aux" }] } };
    vi.stubGlobal("fetch", async (request: Request) => {
      const path = new URL(request.url).pathname;
      if (request.method === "POST") asked.push(`${path} ${await request.text()}`);
      return Response.json(answers[path] ?? {});
    });
    useSession().current = { account_id: 7, role: "collector" } as Session;
    const live = useLive();
    live.topics.set("agent/7", { state: "ready", pending: null });
    await connectedPhone();
    const scope = effectScope();
    scope.run(() => useSteppingAside());
    expect(asked).toEqual([]);
    await plug(false);
    await vi.waitFor(() => expect(asked).toEqual(['/v1/agents/7/break {"code":"aux"}']));
    live.topics.set("agent/7", { state: "aux", pending: null });
    scope.stop();
  });
});
