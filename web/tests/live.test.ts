import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { useLive } from "@/api/live";

/** The newest connection of the page, as the service has it. */
let line: FakeSocket;

class FakeSocket {
  static readonly OPEN = 1;
  readonly readyState = FakeSocket.OPEN;
  onopen?: () => void;
  onmessage?: (message: { data: string }) => void;
  onclose?: (event: { code: number }) => void;

  constructor() {
    // eslint-disable-next-line @typescript-eslint/no-this-alias
    line = this;
  }

  send(): void {}
  close(): void {}

  says(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  setActivePinia(createPinia());
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it("keeps nothing of a service that began anew", () => {
  const live = useLive();
  live.open();
  line.onopen?.();
  line.says({ "agent/1": { name: "Li" }, "agent/2": { name: "Wang" }, "trunk/main": { is_up: true } });
  line.says({ "agent/2": null });
  expect([...live.topics.keys()]).toEqual(["agent/1", "trunk/main"]);
  line.onclose?.({ code: 1006 });
  expect([...live.topics.keys()]).toEqual(["agent/1", "trunk/main"]); // what was known last, until there is more
  vi.runOnlyPendingTimers();
  line.onopen?.();
  line.says({ "trunk/main": { is_up: false } });
  expect([...live.topics]).toEqual([["trunk/main", { is_up: false }]]);
  line.says({ "agent/3": { name: "Zhao" } });
  expect(live.topics.size).toBe(2);
});
