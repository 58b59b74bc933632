import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LastingSocket } from "@/api/socket";

const SILENCE_MS = 12_000;

class Socket {
  static readonly OPEN = 1;
  static all: Socket[] = [];
  readyState = 0;
  onopen = (): void => undefined;
  onmessage: (message: { data: string }) => void = () => undefined;

  constructor() {
    Socket.all.push(this);
  }

  send(): void {}
  close(): void {}
}

const ear = { opened: vi.fn(), heard: vi.fn(), lost: vi.fn() };
let socket: LastingSocket<object>;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Socket);
  Socket.all = [];
  Object.values(ear).forEach((heard) => heard.mockClear());
});
afterEach(() => {
  socket.close();
  vi.useRealTimers();
});

function opened(silenceMs?: number): Socket {
  socket = new LastingSocket("/v1/live", ear, { silenceMs });
  socket.open();
  const [newest] = Socket.all.slice(-1) as [Socket];
  newest.onopen();
  return newest;
}

describe("a socket that is silent", () => {
  it("is given up for a new one, also while that one only connects", () => {
    const first = opened(SILENCE_MS);
    vi.advanceTimersByTime(SILENCE_MS - 1);
    expect(Socket.all.length).toBe(1);
    vi.advanceTimersByTime(1);
    expect([Socket.all.length, ear.lost.mock.calls]).toEqual([2, [[false]]]);
    vi.advanceTimersByTime(SILENCE_MS);
    expect(Socket.all.length).toBe(3);
    first.onmessage({ data: "{}" });
    expect(ear.heard).not.toHaveBeenCalled();
  });

  it("has its time anew with every frame", () => {
    const first = opened(SILENCE_MS);
    for (let frame = 0; frame < 5; frame += 1) {
      vi.advanceTimersByTime(SILENCE_MS - 1);
      first.onmessage({ data: "{}" });
    }
    expect(Socket.all.length).toBe(1);
  });

  it("may be silent where no limit is set, and after it was closed", () => {
    opened();
    vi.advanceTimersByTime(10 * SILENCE_MS);
    expect(Socket.all.length).toBe(1);
    socket.close();
    opened(SILENCE_MS);
    socket.close();
    vi.advanceTimersByTime(10 * SILENCE_MS);
    expect(Socket.all.length).toBe(2);
  });
});

it("goes through another network at once, while it is open", () => {
  opened();
  window.dispatchEvent(new Event("online"));
  expect([Socket.all.length, ear.lost.mock.calls]).toEqual([2, [[false]]]);
  socket.close();
  window.dispatchEvent(new Event("online"));
  expect(Socket.all.length).toBe(2);
});
