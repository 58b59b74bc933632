// What the service pushes: the newest value of every topic, over one WebSocket for the whole page.
import { defineStore } from "pinia";
import { computed, type ComputedRef, reactive, ref } from "vue";
import { csrfValue } from "./client";
import { useSession } from "./session";

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;
const REFUSED = 1008; // RFC 6455 §7.4.1: the service does not know us any more

export const useLive = defineStore("live", () => {
  const topics = reactive(new Map<string, Record<string, unknown>>());
  const connected = ref(false);
  let socket: WebSocket | null = null;
  let retryMs = FIRST_RETRY_MS;
  let timer = 0;
  let wanted = false;

  function open(): void {
    wanted = true;
    if (socket !== null) return;
    const address = new URL("/v1/live", window.location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const opened = new WebSocket(address);
    socket = opened;
    opened.onopen = () => opened.send(JSON.stringify({ csrf: csrfValue() }));
    opened.onmessage = (message) => take(JSON.parse(message.data as string));
    opened.onclose = (event) => lost(opened, event.code);
  }

  function take(frame: Record<string, Record<string, unknown> | null>): void {
    connected.value = true;
    retryMs = FIRST_RETRY_MS;
    for (const [topic, value] of Object.entries(frame)) {
      if (value === null) topics.delete(topic);
      else topics.set(topic, value);
    }
  }

  function lost(which: WebSocket, code: number): void {
    if (socket !== which) return;
    socket = null;
    connected.value = false;
    if (!wanted) return;
    if (code === REFUSED) void useSession().check();
    timer = window.setTimeout(open, retryMs * (0.5 + Math.random()));
    retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
  }

  function close(): void {
    wanted = false;
    window.clearTimeout(timer);
    socket?.close();
    socket = null;
    connected.value = false;
    topics.clear();
  }

  /** The newest value of a topic; undefined while nothing is known of it. */
  function topic<T>(name: () => string): ComputedRef<T | undefined> {
    return computed(() => topics.get(name()) as T | undefined);
  }

  /** All topics that begin with `prefix`, by what follows it. */
  function under<T>(prefix: string): ComputedRef<Map<string, T>> {
    return computed(() => {
      const found = [...topics].filter(([name]) => name.startsWith(prefix));
      return new Map(found.map(([name, value]) => [name.slice(prefix.length), value as T]));
    });
  }

  return { topics, connected, open, close, topic, under };
});
